"""A small REDCap: an HTTP server that answers the documented API requests of one project and keeps its records.

It checks what a real server checks: the token, the content, raw codes, ranges and dates, repeating instances.
"""

import csv
import io
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

TOKEN = "0123456789ABCDEF0123456789ABCDEF"
KEYS = ("patient_id", "redcap_repeat_instrument", "redcap_repeat_instance")


class Project:
    """Fields from a data dictionary file, and records by (record, instrument, instance)."""

    def __init__(self, dictionary_csv):
        rows = csv.DictReader(io.StringIO(dictionary_csv))
        self.fields = {row["Variable / Field Name"]: row for row in rows}
        self.records = {}
        self.requests = []
        self.refuse_repeating = False

    def columns(self):
        for name, row in self.fields.items():
            if row["Field Type"] == "checkbox":
                yield from (f"{name}___{code}" for code in choices(row))
            else:
                yield name

    def metadata(self):
        names = {
            "field_name": "Variable / Field Name",
            "form_name": "Form Name",
            "field_type": "Field Type",
            "select_choices_or_calculations": "Choices, Calculations, OR Slider Labels",
        }
        return [{key: row[column] for key, column in names.items()} for row in self.fields.values()]

    def export(self):
        stream = io.StringIO()
        columns = [*KEYS, *(name for name in self.columns() if name not in KEYS)]
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        for key in sorted(self.records):
            ticks = {name: "0" for name in columns if "___" in name}
            writer.writerow({**ticks, **self.records[key], **dict(zip(KEYS, key, strict=True))})
        return stream.getvalue()

    def take(self, text, overwrite):
        rows = list(csv.DictReader(io.StringIO(text)))
        problems = [problem for row in rows for problem in self.problems(row)]
        if problems:
            stream = io.StringIO()
            csv.writer(stream, quoting=csv.QUOTE_ALL).writerows(problems)
            return 400, {"error": stream.getvalue()}
        for row in rows:
            held = self.records.setdefault(tuple(row[name] for name in KEYS), {})
            held.update({name: value for name, value in row.items() if name not in KEYS and (value or overwrite)})
        return 200, {"count": len({row["patient_id"] for row in rows})}

    def problems(self, row):
        known = {*self.columns(), *KEYS}
        for name, value in row.items():
            field = self.fields.get(name.split("___")[0])
            if name not in known:
                yield row["patient_id"], name, value, "This field does not exist in the project"
            elif value and field and not allowed(field, name, value):
                yield row["patient_id"], name, value, "The value is not valid for this field"


def choices(row):
    text = row["Choices, Calculations, OR Slider Labels"]
    return [part.split(",", 1)[0].strip() for part in text.split("|") if part.strip()]


def allowed(field, name, value):
    kind, check = field["Field Type"], field["Text Validation Type OR Show Slider Number"]
    if kind == "dropdown":
        return value in choices(field)
    if kind == "yesno" or "___" in name:
        return value in ("0", "1")
    if check in ("number", "integer"):
        return float(field["Text Validation Min"]) <= float(value) <= float(field["Text Validation Max"])
    return len(value) == 10 and value[4] == "-" if check == "date_ymd" else True


@contextmanager
def serving(project):
    """The address of the API while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fields = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
            project.requests.append(fields)
            status, content = answer(project, fields) if self.path == "/api/" else (301, "")
            data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            if status == 301:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(project, fields):
    """Status and content of one request, by REDCap's API documentation."""
    if fields.get("token") != TOKEN:
        return 403, {"error": "You do not have permissions to use the API"}
    content, raw = fields.get("content"), fields.get("rawOrLabel") == "raw"
    if content == "version":
        return 200, "14.5.1"
    if content == "metadata" and fields.get("format") == "json":
        return 200, project.metadata()
    if content == "repeatingFormsEvents":
        if project.refuse_repeating:
            return 400, {"error": "You cannot export repeating instruments and events"}
        forms = {row["Form Name"] for row in project.fields.values()} - {"patient"}
        return 200, [{"form_name": form, "custom_form_label": ""} for form in sorted(forms)]
    if content == "record" and fields.get("action") == "export" and fields.get("format") == "csv" and raw:
        return 200, project.export()
    if content == "record" and fields.get("action") == "import" and fields.get("dateFormat") == "YMD":
        return project.take(fields["data"], fields["overwriteBehavior"] == "overwrite")
    return 400, {"error": "The value of the parameter content is not valid"}
