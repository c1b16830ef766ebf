import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/** The service is tested without a framework; in JUnit each of these would be a test, and {@code tenant} their set-up. */
final class RemindersTest {
    /** The service's own time, which the test moves in the same steps as WhatsApp's. */
    private static final class Hands extends Clock {
        private Instant now = Instant.parse("2026-03-01T09:00:00Z");

        void advance(Duration by) {
            now = now.plus(by);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private final Hands clock = new Hands();
    private final MockWhatsApp whatsapp;
    private final Reminders reminders;

    private RemindersTest(MockWhatsApp whatsapp) throws IOException, InterruptedException {
        this.whatsapp = whatsapp;
        reminders = new Reminders(
            whatsapp.env("WHATSAPP_BASE_URL"), whatsapp.env("WHATSAPP_PHONE_NUMBER_ID"), whatsapp.env("WHATSAPP_TOKEN"), clock);
        whatsapp.receive(reminders::webhook);
    }

    private interface Test {
        void run(RemindersTest test) throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        test("whoever does not answer is reminded again after twelve hours", RemindersTest::remindedAgain);
        test("whoever answers is left in peace", RemindersTest::leftInPeace);
        test("statuses come by signed webhooks, in order", RemindersTest::statuses);
        test("an error on demand is the service's own exception", RemindersTest::error);
    }

    private static void test(String name, Test test) throws Exception {
        try (var whatsapp = MockWhatsApp.tenant("java-" + ProcessHandle.current().pid())) {
            test.run(new RemindersTest(whatsapp));
        }
        System.out.println("  ok: " + name);
    }

    /** First WhatsApp's time, so that its webhooks have arrived, and then the service's own. */
    private void twelveHoursPass() throws Exception {
        whatsapp.advance("12h");
        clock.advance(Duration.ofHours(12));
        reminders.runDue();
    }

    private void remindedAgain() throws Exception {
        reminders.remind("+4915112345678");
        reminders.runDue();
        check(whatsapp.verify("{\"to\":\"+4915112345678\"}", 1));
        twelveHoursPass();
        check(whatsapp.verify("{\"to\":\"+4915112345678\",\"template\":\"hello_world\"}", 2));
    }

    private void leftInPeace() throws Exception {
        reminders.remind("+4915112345678");
        whatsapp.call("POST", "/handsets/4915112345678/messages", "{\"type\":\"text\",\"text\":\"I will be there\"}");
        twelveHoursPass();
        check(whatsapp.verify("{\"to\":\"+4915112345678\"}", 1));
    }

    private void statuses() throws Exception {
        reminders.send("+4915112345678");
        whatsapp.settle();
        check(whatsapp.webhooks.size() == 3);
        for (var status : new String[] {"sent", "delivered", "read"}) {
            check(whatsapp.webhooks.remove(0).contains("\"status\":\"" + status + "\""));
        }
    }

    private void error() throws Exception {
        whatsapp.call("POST", "/faults", "{\"kind\":\"error\",\"code\":131056,\"first\":1}");
        try {
            reminders.send("+4915112345678");
        } catch (IOException refused) {
            check(refused.getMessage().contains("131056"));
            reminders.send("+4915112345678");
            return;
        }
        throw new AssertionError("it was to be refused");
    }

    private static void check(boolean holds) {
        if (!holds) throw new AssertionError("it does not hold");
    }
}
