"""A sink: any POST is taken; the record number is found by a JSON pointer."""

from .fields import JsonError, read_json
from .http import json_answer
from .platform import Call, Invalid, Platform


def point(value, pointer):
    """RFC 6901; KeyError when there is nothing."""
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and token.isascii() and token.isdigit() \
                and int(token) < len(value):
            value = value[int(token)]
        elif isinstance(value, dict) and token in value:
            value = value[token]
        else:
            raise KeyError(token)
    return value


class Sink(Platform):
    name = "sink"
    options = {"id": "/id", "token": "", "status": "200"}

    def read(self, call: Call, request):
        call.interface = request.path.strip("/")[:100] or "/"
        if request.method != "POST":
            raise Invalid("method: not POST",
                          answer=json_answer({"error": "POST only"}, 405))
        wanted = self.settings["token"]
        if wanted and request.headers.get("authorization") != "Bearer " + wanted:
            raise Invalid("Authorization: wrong", answer=self.token_failure(call))
        try:
            value = read_json(request.body)
            number = point(value, self.settings["id"])
        except JsonError as error:
            raise Invalid(f"body: {error}") from None
        except KeyError:
            raise Invalid(f"body: nothing at {self.settings['id']}") from None
        if isinstance(number, (dict, list)) or number is None:
            raise Invalid("id: neither text nor number")
        call.number = str(number)
        call.facts = value
        call.shown = value if isinstance(value, dict) else {"value": value}
        call.answer = lambda: json_answer({"code": 200, "message": "ok"},
                                          int(self.settings["status"]))

    def token_failure(self, call):
        return json_answer({"code": 401, "message": "token expired"}, 401)

    def invalid(self, call, reasons):
        return json_answer({"code": 400, "message": "; ".join(reasons)}, 400)

    def failure(self, call, code, message):
        return json_answer({"code": 500 if code is None else code,
                            "message": message})
