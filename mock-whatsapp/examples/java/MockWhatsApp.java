import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * One file to copy: a mock WhatsApp for tests in Java 17 or later, with any framework. It needs the JDK alone, and the program
 * {@code mock-whatsapp} (on the PATH, or named by MOCK_WHATSAPP_BIN).
 *
 * <pre>{@code
 * // A tenant for each class or worker, as new, so that tests in parallel do not see each other.
 * try (var whatsapp = MockWhatsApp.tenant("orders")) { … }
 * }</pre>
 *
 * The JDK has no JSON: answers are texts, for whichever library you have.
 */
public final class MockWhatsApp implements AutoCloseable {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static String address;

    /** Its name. */
    public final String name;

    /** The bodies of the webhooks that came, oldest first. */
    public final List<String> webhooks = new CopyOnWriteArrayList<>();

    private final String settings;
    private HttpServer receiver;
    private ExecutorService threads;

    private MockWhatsApp(String name) throws IOException, InterruptedException {
        this.name = name;
        this.settings = exchange("POST", "/tenants", "{\"name\":\"" + name + "\",\"clock\":\"frozen\"}");
        call("POST", "/reset", null);
    }

    /** A tenant as new; its time stands still. The first one starts the server, unless MOCK_WHATSAPP_URL names one. */
    public static MockWhatsApp tenant(String name) throws IOException, InterruptedException {
        return new MockWhatsApp(name);
    }

    private static synchronized String address() throws IOException {
        if (address == null) address = System.getenv("MOCK_WHATSAPP_URL");
        if (address != null) return address;
        var program = System.getenv().getOrDefault("MOCK_WHATSAPP_BIN", "mock-whatsapp");
        var server = new ProcessBuilder(program, "--listen", "127.0.0.1:0").redirectError(ProcessBuilder.Redirect.DISCARD).start();
        Runtime.getRuntime().addShutdownHook(new Thread(server::destroy));
        var line = new BufferedReader(new InputStreamReader(server.getInputStream())).readLine();
        var found = Pattern.compile("http://\\S+").matcher(String.valueOf(line));
        if (!found.find()) throw new IOException(program + " does not start");
        return address = found.group();
    }

    /** A setting for your service: WHATSAPP_BASE_URL, WHATSAPP_TOKEN, WHATSAPP_PHONE_NUMBER_ID and so on. */
    public String env(String setting) {
        var found = Pattern.compile('"' + setting + "\"\\s*:\\s*\"([^\"]*)\"").matcher(settings);
        if (!found.find()) throw new IllegalArgumentException("there is no setting " + setting);
        return found.group(1);
    }

    /** Any call of the control API: {@code call("POST", "/faults", "{\"kind\":\"error\",\"code\":131000}")}. */
    public String call(String method, String path, String body) throws IOException, InterruptedException {
        return exchange(method, path + (path.contains("?") ? "&" : "?") + "tenant=" + name, body);
    }

    private static String exchange(String method, String path, String body) throws IOException, InterruptedException {
        var content = body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body);
        var request = HttpRequest.newBuilder(URI.create(address() + "/_mock" + path)).method(method, content);
        var token = System.getenv("MOCK_WHATSAPP_CONTROL_TOKEN");
        if (token != null) request.header("Authorization", "Bearer " + token);
        var answer = CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
        // An assertion that does not hold is an answer too.
        var isAnswer = answer.statusCode() < 300 || answer.statusCode() == 422 && answer.body().contains("\"pass\":");
        if (!isAnswer) throw new IOException(method + " " + path + ": " + answer.statusCode() + " " + answer.body());
        return answer.body();
    }

    /** Moves the tenant's time; webhooks that fall due have been answered when this ends. */
    public void advance(String by) throws IOException, InterruptedException {
        call("POST", "/clock/advance", "{\"by\":\"" + by + "\"}");
    }

    /** Lets everything happen that is due, and what that provokes. */
    public void settle() throws IOException, InterruptedException {
        call("POST", "/clock/settle", null);
    }

    /** Whether so many sends match: {@code verify("{\"to\":\"+49…\"}", 1)}. */
    public boolean verify(String match, int count) throws IOException, InterruptedException {
        var assertion = "{\"match\":" + match + ",\"count\":" + count + ",\"within\":\"5s\"}";
        return call("POST", "/verify", assertion).contains("\"pass\":true");
    }

    /** Receives webhooks from now on: checks their signatures, keeps them and hands their bodies to {@code handle}. */
    public void receive(Consumer<String> handle) throws IOException, InterruptedException {
        receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        threads = Executors.newCachedThreadPool();
        receiver.setExecutor(threads);
        receiver.createContext("/", exchange -> {
            try (exchange) {
                answer(exchange, handle);
            }
        });
        receiver.start();
        call("PUT", "/webhook", "{\"url\":\"http://127.0.0.1:" + receiver.getAddress().getPort() + "/\"}");
    }

    private void answer(HttpExchange exchange, Consumer<String> handle) throws IOException {
        if (exchange.getRequestMethod().equals("GET")) {
            var query = exchange.getRequestURI().getRawQuery();
            var isRight = parameter(query, "hub.verify_token").equals(env("WHATSAPP_VERIFY_TOKEN"));
            var challenge = parameter(query, "hub.challenge").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(isRight ? 200 : 403, challenge.length);
            exchange.getResponseBody().write(challenge);
            return;
        }
        var raw = exchange.getRequestBody().readAllBytes();
        var isSigned = signed(raw, exchange.getRequestHeaders().getFirst("X-Hub-Signature-256"));
        if (isSigned) {
            var body = new String(raw, StandardCharsets.UTF_8);
            webhooks.add(body);
            handle.accept(body);
        }
        exchange.sendResponseHeaders(isSigned ? 200 : 401, -1);
    }

    private static String parameter(String query, String name) {
        for (var pair : query.split("&")) {
            if (pair.startsWith(name + "=")) {
                return URLDecoder.decode(pair.substring(name.length() + 1), StandardCharsets.UTF_8);
            }
        }
        return "";
    }

    /** Whether a webhook's body, byte for byte, is signed with the app's secret. */
    public boolean signed(byte[] raw, String signature) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(env("WHATSAPP_APP_SECRET").getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            var wanted = "sha256=" + HexFormat.of().formatHex(mac.doFinal(raw));
            return signature != null && MessageDigest.isEqual(wanted.getBytes(), signature.getBytes());
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Ends the receiver. */
    @Override
    public void close() {
        if (receiver == null) return;
        receiver.stop(0);
        threads.shutdown();
    }
}
