"""Every call that pywa offers, made against the mock. Each is `pass`, `FAIL`, or `out of scope`, which the mock must then refuse
as the real API refuses what it does not know, and not answer with something made up.

    python pywa_calls.py      with pywa installed, and MOCK_WHATSAPP_BIN or MOCK_WHATSAPP_URL set
"""

import datetime as dt
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "python"))

import httpx
import mock_whatsapp
import pywa
from pywa import types
from pywa.errors import WhatsAppError
from pywa.types import templates as t

TO = "4915112345678"
counts = {"pass": 0, "FAIL": 0, "out of scope": 0}


def tell(result, name, why=""):
    counts[result] += 1
    print(f"{result:12} {name}{': ' if why else ''}{why}")


def check(name, call, right=lambda answer: True):
    try:
        answer = call()
        if right(answer):
            tell("pass", name)
            return answer
        tell("FAIL", name, f"answered {answer!r}"[:300])
    except Exception as error:  # whatever the client makes of the answer
        tell("FAIL", name, f"{type(error).__name__}: {error}"[:300])
    return None


def beyond(name, call):
    """What the mock does not play: calls, flows, groups, sign-ups."""
    try:
        tell("FAIL", name, f"it is out of scope and answered {call()!r}"[:300])
    except WhatsAppError as error:
        tell("out of scope", name, str(error)[:60])
    except httpx.ConnectError:  # the client has another address of its own for these
        tell("out of scope", name, "it does not ask the mock")
    except Exception as error:
        tell("FAIL", name, f"{type(error).__name__}: {error}"[:300])


class Config:
    """What pytest would be."""

    cleanups = []

    def add_cleanup(self, cleanup):
        self.cleanups.append(cleanup)


def main():
    whatsapp = mock_whatsapp.Tenant(f"pywa-{os.getpid()}")
    env = whatsapp.env
    phone, waba, app = (env[f"WHATSAPP_{id}"] for id in ("PHONE_NUMBER_ID", "BUSINESS_ACCOUNT_ID", "APP_ID"))
    session = httpx.Client(timeout=30)
    wa = pywa.WhatsApp(phone_id=phone, token=env["WHATSAPP_TOKEN"], session=session, waba_id=waba, app_id=app)
    session.base_url = env["WHATSAPP_BASE_URL"] + "/v25.0"

    def sent(message):
        return message.id.startswith("wamid.")

    def send(name, /, *args, **kwargs):
        return check(name, lambda: getattr(wa, name)(TO, *args, **kwargs), sent)

    def done(result):
        return bool(result.success)

    # Free text needs a conversation that the contact began.
    written = whatsapp.call("POST", f"/handsets/{TO}/messages", {"type": "text", "text": "hi"})["wamid"]

    def upload(mime, name):
        return wa.upload_media(bytes(64), mime_type=mime, filename=name)

    image = check("upload_media", lambda: upload("image/png", "a.png"), lambda media: media.id.isdigit())
    url = check("get_media_url", lambda: wa.get_media_url(image.id), lambda media: media.mime_type == "image/png")
    check("get_media_bytes", lambda: wa.get_media_bytes(url.url), lambda data: data == bytes(64))
    folder = tempfile.mkdtemp()
    check("download_media", lambda: wa.download_media(url=url.url, path=folder), lambda file: file.read_bytes() == bytes(64))
    check("stream_media", lambda: b"".join(wa.stream_media(url.url)), lambda data: data == bytes(64))

    first = send("send_message", "hello")
    check("send_message, reply", lambda: wa.send_message(TO, "re", reply_to_message_id=written, tracker="x"), sent)
    buttons = [types.Button("One", "1"), types.Button("Two", "2")]
    check("send_message, buttons", lambda: wa.send_message(TO, "b", header="h", footer="f", buttons=buttons), sent)
    section = types.Section("s", [types.SectionRow("One", "1", "d")])
    check("send_message, list", lambda: wa.send_message(TO, "b", buttons=types.SectionList("open", [section])), sent)
    check("send_message, URL", lambda: wa.send_message(TO, "b", buttons=types.URLButton("d", "https://example.com/")), sent)
    send("send_image", image.id, caption="c")
    send("send_video", upload("video/mp4", "a.mp4").id, caption="c")
    send("send_document", upload("application/pdf", "a.pdf").id, filename="a.pdf")
    send("send_audio", upload("audio/ogg", "a.ogg").id)
    send("send_voice", upload("audio/ogg", "a.ogg").id)
    send("send_sticker", upload("image/webp", "a.webp").id)
    send("send_reaction", emoji="👍", message_id=written)
    send("remove_reaction", message_id=written)
    send("send_location", 52.5, 13.4, name="n", address="a")
    send("request_location", "where?")
    send("request_contact_info", "who?")
    send("send_contact", types.Contact(types.Contact.Name(formatted_name="Ada L", first_name="Ada")))
    send("send_catalog", "b", thumbnail_product_sku="p")
    send("send_product", "1", "p", body="b")
    send("send_products", "1", [types.ProductsSection("s", ["p"])], title="h", body="b")
    check("mark_message_as_read", lambda: wa.mark_message_as_read(written), done)
    check("indicate_typing", lambda: wa.indicate_typing(written), done)
    check("delete_media", lambda: wa.delete_media(image.id), done)
    raw = {"messaging_product": "whatsapp", "to": TO, "type": "text", "text": {"body": "raw"}}
    path = f"/{phone}/messages"
    check("api.send_raw_request", lambda: wa.api.send_raw_request("POST", path, json=raw), lambda answer: answer["messages"])
    check("an error is the client's own", lambda: error_of(lambda: wa.send_message("1", "x")), lambda error: error.code == 131009)

    english, utility = t.TemplateLanguage.ENGLISH_US, t.TemplateCategory.UTILITY
    check("send_template", lambda: wa.send_template(TO, "spring_sale", english, [t.BodyText.params("Ada")]), sent)
    check(
        "send_template, marketing messages",
        lambda: wa.send_template(TO, "spring_sale", english, [t.BodyText.params("Ada")], use_mm_lite_api=True),
        sent,
    )
    template = t.Template(name="order_update", language=english, category=utility, components=[t.BodyText("Hello {{name}}!", name="Ada")])
    made = check("create_template", lambda: wa.create_template(template), lambda made: made.id and made.status)
    id = made.id if made else "500000000000000"
    check("send_template, named", lambda: wa.send_template(TO, "order_update", english, [t.BodyText.params(name="Ada")]), sent)
    check("get_templates", lambda: list(wa.get_templates(name="order_update")), lambda all: all[0].name == "order_update")
    check("get_templates, paged", lambda: wa.get_templates(pagination=types.Pagination(limit=1)), lambda page: len(page) == 1)
    check("get_template", lambda: wa.get_template(id), lambda one: one.name == "order_update")
    check("update_template", lambda: wa.update_template(id, new_components=[t.BodyText("Hi {{name}}!", name="Ada")]), done)
    paused = {"status": "PAUSED"}
    check("a template is paused", lambda: whatsapp.call("PUT", "/templates/order_update/status", paused))
    check("unpause_template", lambda: wa.unpause_template(id), lambda result: result.success)
    start = dt.datetime.now() - dt.timedelta(days=7)
    compare = lambda: wa.compare_templates(id, id, start=start, end=dt.datetime.now())
    check("compare_templates", compare, lambda compared: compared.times_sent[id] == 1)
    check("delete_template", lambda: wa.delete_template("order_update"), done)
    beyond("migrate_templates", lambda: wa.migrate_templates("200000000000009"))
    beyond("archive_templates", lambda: wa.archive_templates([id]))
    beyond("unarchive_templates", lambda: wa.unarchive_templates([id]))
    otp = dict(name="otp", languages=[english], otp_button=t.CopyCodeOTPButton())
    check("upsert_authentication_template", lambda: wa.upsert_authentication_template(**otp), lambda made: made)

    check("get_business_account", lambda: wa.get_business_account(), lambda account: account.id == waba)
    check("get_business_phone_numbers", lambda: list(wa.get_business_phone_numbers()), lambda all: all[0].id == phone)
    check("get_business_phone_number", lambda: wa.get_business_phone_number(), lambda number: number.id == phone)
    check("get_business_phone_number_settings", lambda: wa.get_business_phone_number_settings())
    check("update_business_profile", lambda: wa.update_business_profile(about="hello", websites=["https://example.com/"]), done)
    check("get_business_profile", lambda: wa.get_business_profile(), lambda profile: profile.about == "hello")
    check("create_phone_number", lambda: new_number(wa), lambda made: made.id)
    check("request_verification_code", lambda: wa.request_verification_code(code_method="SMS", language_code="en", phone_id=new_number(wa).id), done)
    check("deregister_phone_number", lambda: wa.deregister_phone_number(), done)
    check("register_phone_number", lambda: wa.register_phone_number("123456"), done)
    check("block_users", lambda: wa.block_users([TO]), lambda result: result.added_users)
    check("get_blocked_users", lambda: list(wa.get_blocked_users()), lambda all: len(all) == 1)
    check("unblock_users", lambda: wa.unblock_users([TO]), lambda result: result.removed_users)
    code = check("create_qr_code", lambda: wa.create_qr_code("Hi"), lambda code: code.prefilled_message == "Hi")
    check("get_qr_code", lambda: wa.get_qr_code(code.code), lambda found: found.code == code.code)
    check("get_qr_codes", lambda: list(wa.get_qr_codes()), lambda all: len(all) == 1)
    check("update_qr_code", lambda: wa.update_qr_code(code.code, "Ho"), lambda changed: changed.prefilled_message == "Ho")
    check("delete_qr_code", lambda: wa.delete_qr_code(code.code), done)

    check("update_business_account_settings", lambda: wa.update_business_account_settings(disable_marketing_messages_on_cloud_api=False) is None)
    business = wa.get_business_account().owner_business_info.id
    owned = lambda: list(wa.get_owned_business_accounts(business_portfolio_id=business))
    check("get_owned_business_accounts", owned, lambda all: all[0].id == waba)
    shared = lambda: list(wa.get_shared_business_accounts(business_portfolio_id=business))
    check("get_shared_business_accounts", shared, lambda all: all == [])
    check("update_display_name", lambda: wa.update_display_name("Ferry Shop"), done)
    command = types.Command("help", "Get help")
    automation = lambda: wa.update_conversational_automation(ice_breakers=["Plan a trip"], commands=[command])
    check("update_conversational_automation", automation, done)
    automated = lambda: wa.get_business_phone_number().conversational_automation.commands
    check("get_business_phone_number, automation", automated, lambda commands: commands == (command,))
    calling = lambda: wa.update_business_phone_number_settings(calling=wa.get_business_phone_number_settings().calling)
    check("update_business_phone_number_settings", calling, done)
    check("update_commerce_settings", lambda: wa.update_commerce_settings(is_cart_enabled=True), done)
    check("get_commerce_settings", lambda: wa.get_commerce_settings(), lambda settings: settings.is_cart_enabled)
    key = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"
    check("set_business_public_key", lambda: wa.set_business_public_key(key), done)
    check("set_username", lambda: wa.set_username("ferry.shop"), lambda status: status.username == "ferry.shop")
    check("get_current_username", lambda: wa.get_current_username(), lambda status: status.username == "ferry.shop")
    check("get_reserved_usernames", lambda: wa.get_reserved_usernames(), lambda names: names)
    check("delete_username", lambda: wa.delete_username(), done)
    second = new_number(wa).id
    wa.request_verification_code(code_method="VOICE", language_code="en", phone_id=second)
    check("verify_phone_number", lambda: wa.verify_phone_number(code="123456", phone_id=second), done)
    check("register_phone_number, a second one", lambda: wa.register_phone_number("123456", phone_id=second), done)

    whatsapp.receive()
    hook, token = whatsapp.call("GET", "/webhook")["url"], env["WHATSAPP_VERIFY_TOKEN"]
    check("override_waba_callback_url", lambda: wa.override_waba_callback_url(hook, token), done)
    check("delete_waba_callback_url", lambda: wa.delete_waba_callback_url(), done)
    check("override_phone_callback_url", lambda: wa.override_phone_callback_url(hook, token), done)
    check("delete_phone_callback_url", lambda: wa.delete_phone_callback_url(), done)
    check("get_app_access_token", lambda: wa.get_app_access_token(app, env["WHATSAPP_APP_SECRET"]), lambda token: "|" in token)
    subscribe = dict(callback_url=hook, verify_token=token, fields=["messages"])
    app_token = f"{app}|{env['WHATSAPP_APP_SECRET']}"
    check("set_app_callback_url", lambda: wa.set_app_callback_url(int(app), app_token, **subscribe), done)
    received(wa, whatsapp)
    whatsapp.close()

    beyond("create_flow", lambda: wa.create_flow("f", [types.FlowCategory.OTHER]))
    beyond("get_flows", lambda: wa.get_flows())
    beyond("get_flow", lambda: wa.get_flow("1"))
    beyond("reject_call", lambda: wa.reject_call("1"))
    beyond("terminate_call", lambda: wa.terminate_call("1"))
    beyond("create_group", lambda: wa.create_group(subject="g"))
    beyond("get_groups", lambda: wa.get_groups())
    beyond("get_signups", lambda: wa.get_signups())


def error_of(call):
    try:
        return call()
    except WhatsAppError as error:
        return error


def new_number(wa):
    new_number.last = getattr(new_number, "last", 7650100) + 1
    return wa.create_phone_number(country_calling_code="1", phone_number=f"202{new_number.last}", verified_name="Shop")


def received(wa, whatsapp):
    """The client reads the webhooks: each becomes an update of its own kind."""
    kinds = []

    @wa.on_message()
    def _(_, message):
        kinds.append((message.type.value, message.from_user.wa_id))

    @wa.on_message_status()
    def _(_, status):
        kinds.append((status.status.value, status.id))

    message = wa.send_message(TO, "hello")
    whatsapp.call("POST", f"/handsets/{TO}/messages", {"type": "text", "text": "hi"})
    whatsapp.settle()
    for item in whatsapp.call("GET", "/webhooks?limit=10000")["items"]:
        signature = {name.lower(): value for name, value in item["headers"].items()}.get("x-hub-signature-256")
        if item["body_raw"] and signature:
            wa._app_secret = whatsapp.env["WHATSAPP_APP_SECRET"]
            wa._validate_updates = True
            answer, status = wa.webhook_update_handler(update=item["body_raw"].encode(), hmac_header=signature)
            if status != 200:
                return tell("FAIL", "webhook_update_handler", f"{status} {answer}")
    wanted = [("text", TO), *((status, message.id) for status in ("sent", "delivered", "read"))]
    missing = [one for one in wanted if one not in kinds]
    tell("FAIL" if missing else "pass", "webhook_update_handler", f"missing {missing} in {kinds}" if missing else "")


if __name__ == "__main__":
    config = Config()
    mock_whatsapp.pytest_configure(config)
    try:
        main()
    finally:
        for cleanup in config.cleanups:
            cleanup()
    print(f"{counts['pass']} pass, {counts['FAIL']} fail, {counts['out of scope']} out of scope")
    sys.exit(1 if counts["FAIL"] else 0)
