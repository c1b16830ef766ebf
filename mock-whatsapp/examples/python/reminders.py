"""The service under test: it sends an appointment's reminder, and a second one after twelve hours without an answer.

`run_due` is what a scheduler would call every minute; what is due, it knows by `datetime.now`.
"""

import datetime as dt

from pywa.types.templates import TemplateLanguage

HOURS = dt.timedelta(hours=1)


class Reminders:
    def __init__(self, client):
        self.client = client
        self.due = {}

    def remind(self, to):
        self.send(to)
        self.due[to.lstrip("+")] = dt.datetime.now() + 12 * HOURS

    def send(self, to):
        return self.client.send_template(to=to, name="hello_world", language=TemplateLanguage.ENGLISH_US, params=[])

    def webhook(self, body):
        for entry in body["entry"]:
            for change in entry["changes"]:
                for message in change["value"].get("messages", []):
                    self.due.pop(message["from"], None)

    def run_due(self):
        now = dt.datetime.now()
        for to in [to for to, at in self.due.items() if at <= now]:
            del self.due[to]
            self.send(to)
