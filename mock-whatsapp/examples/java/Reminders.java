import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * The service under test: it sends an appointment's reminder, and a second one after twelve hours without an answer. What is
 * due, it knows by its {@link Clock}; {@code runDue} is what a scheduler would call every minute.
 */
final class Reminders {
    private static final Pattern FROM = Pattern.compile("\"from\":\"(\\d+)\"");

    private final HttpClient client = HttpClient.newHttpClient();
    private final Map<String, Instant> due = new ConcurrentHashMap<>();
    private final String messages;
    private final String token;
    private final Clock clock;

    Reminders(String baseUrl, String phoneNumberId, String token, Clock clock) {
        this.messages = baseUrl + "/v25.0/" + phoneNumberId + "/messages";
        this.token = token;
        this.clock = clock;
    }

    void remind(String to) throws IOException, InterruptedException {
        send(to);
        due.put(to.replace("+", ""), clock.instant().plus(Duration.ofHours(12)));
    }

    void send(String to) throws IOException, InterruptedException {
        var message = """
            {"messaging_product":"whatsapp","to":"%s","type":"template",
             "template":{"name":"hello_world","language":{"code":"en_US"}}}""".formatted(to);
        var request = HttpRequest.newBuilder(URI.create(messages))
            .header("Authorization", "Bearer " + token)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(message))
            .build();
        var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) throw new IOException(answer.statusCode() + " " + answer.body());
    }

    /** Takes in a webhook. A service with a library for JSON would read it; whoever wrote is all that this one needs. */
    void webhook(String body) {
        var from = FROM.matcher(body);
        while (from.find()) due.remove(from.group(1));
    }

    void runDue() throws IOException, InterruptedException {
        for (Iterator<Map.Entry<String, Instant>> all = due.entrySet().iterator(); all.hasNext(); ) {
            var one = all.next();
            if (one.getValue().isAfter(clock.instant())) continue;
            all.remove();
            send(one.getKey());
        }
    }
}
