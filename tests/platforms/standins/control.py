"""The control interface: /_control/ on a port of its own."""

import json

from .faults import FaultError, read_fault
from .http import json_answer


class Control:
    def __init__(self, standin):
        self.standin = standin
        self.routes = {
            ("GET", "/_control/stats"): self.stats,
            ("GET", "/_control/numbers"): self.numbers,
            ("GET", "/_control/records"): self.records,
            ("POST", "/_control/reset"): self.reset,
            ("POST", "/_control/fault"): self.add_fault,
            ("DELETE", "/_control/fault"): self.clear_faults,
            ("POST", "/_control/up"): self.up,
            ("POST", "/_control/option"): self.option,
        }

    def handle(self, request):
        try:
            value = json.loads(request.body) if request.body else {}
            route = self.routes.get((request.method, request.path))
            if route is not None:
                return route(request, value)
            found = self.standin.platform.control(
                request.path, request.method, value)
        except (FaultError, ValueError, TypeError, AttributeError) as error:
            return json_answer({"error": str(error)}, 400)
        if found is None:
            return json_answer({"error": "no such control"}, 404)
        return json_answer(found)

    def stats(self, request, value):
        return json_answer(self.standin.stats())

    def numbers(self, request, value):
        numbers = self.standin.platform.books.numbers(
            request.query.get("interface", ""))
        start = int(request.query.get("offset", 0))
        limit = int(request.query.get("limit", len(numbers)))
        return json_answer(numbers[start:start + limit])

    def records(self, request, value):
        wanted = request.query.get("interface")
        number = request.query.get("number")
        facts = self.standin.platform.books.facts
        return json_answer([
            {"interface": interface, "number": key, "record": record}
            for (interface, key), record in facts.items()
            if wanted in (None, interface) and number in (None, key)])

    def reset(self, request, value):
        """Empty books and no faults; registrations stay."""
        self.standin.platform.books.clear()
        self.standin.platform.faults.clear()
        return json_answer({})

    def add_fault(self, request, value):
        fault = read_fault(value)
        self.standin.platform.faults.add(fault)
        if fault.kind == "down":
            self.standin.down(fault.seconds)
        return json_answer(self.standin.platform.faults.shown())

    def clear_faults(self, request, value):
        self.standin.platform.faults.clear(request.query.get("kind"))
        return self.up(request, value)

    async def up(self, request, value):
        await self.standin.up()
        return json_answer(self.standin.platform.faults.shown())

    def option(self, request, value):
        settings = self.standin.platform.settings
        unknown = set(value) - set(settings)
        if unknown:
            raise ValueError("unknown option: " + ", ".join(sorted(unknown)))
        settings.update({name: str(text) for name, text in value.items()})
        return json_answer(settings)
