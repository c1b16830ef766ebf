import datetime as dt

import freezegun
import httpx
import pytest
import pywa
from pywa.errors import WhatsAppError

from reminders import Reminders


@pytest.fixture
def client(whatsapp):
    session = httpx.Client()
    client = pywa.WhatsApp(
        phone_id=whatsapp.env["WHATSAPP_PHONE_NUMBER_ID"], token=whatsapp.env["WHATSAPP_TOKEN"], session=session
    )
    # pywa points its session at the real API; from here on it is ours.
    session.base_url = whatsapp.env["WHATSAPP_BASE_URL"] + "/v25.0"
    return client


@pytest.fixture
def reminders(whatsapp, client):
    reminders = Reminders(client)
    whatsapp.receive(reminders.webhook)
    return reminders


def test_whoever_does_not_answer_is_reminded_again_after_twelve_hours(whatsapp, reminders):
    # The service's `datetime.now` is freezegun's; the mock's time is its own, and both are moved by the same step. First
    # WhatsApp's, so that its webhooks have arrived.
    with freezegun.freeze_time(whatsapp.now(), ignore=["http", "socketserver", "httpx", "httpcore"]) as time:
        reminders.remind("+4915112345678")
        assert whatsapp.verify({"to": "+4915112345678"}, 1)["pass"]
        whatsapp.advance("12h")
        time.tick(dt.timedelta(hours=12))
        reminders.run_due()
    assert whatsapp.verify({"to": "+4915112345678", "template": "hello_world"}, 2)["pass"]


def test_whoever_answers_is_left_in_peace(whatsapp, reminders):
    with freezegun.freeze_time(whatsapp.now(), ignore=["http", "socketserver", "httpx", "httpcore"]) as time:
        reminders.remind("+4915112345678")
        whatsapp.call("POST", "/handsets/4915112345678/messages", {"type": "text", "text": "I will be there"})
        whatsapp.advance("12h")
        time.tick(dt.timedelta(hours=12))
        reminders.run_due()
    assert whatsapp.verify({"to": "+4915112345678"}, 1, within="0s")["pass"]


def test_statuses_come_by_signed_webhooks_in_order(whatsapp, reminders):
    reminders.send("+4915112345678")
    whatsapp.settle()
    values = [body["entry"][0]["changes"][0]["value"] for body in whatsapp.webhooks]
    assert [value["statuses"][0]["status"] for value in values] == ["sent", "delivered", "read"]


def test_an_error_on_demand_is_the_clients_own_exception(whatsapp, reminders):
    whatsapp.call("POST", "/faults", {"kind": "error", "code": 131056, "first": 1})
    with pytest.raises(WhatsAppError) as refused:
        reminders.send("+4915112345678")
    assert refused.value.code == 131056
    assert reminders.send("+4915112345678").id.startswith("wamid.")
