"""Faults are what they say, hit whom they name, and the books stay right."""

import http.client
import json
import socket
import ssl
import subprocess

import pytest

from standin_client import Process, YunnanClient, call, uri, JPEG


@pytest.fixture
def sink(start):
    return start("sink")


def post(standin, number, **more):
    return standin.post("/up", {"id": number, "value": 1}, **more)


def books(standin):
    stats = standin.stats("up")
    return (stats["accepted"], stats["duplicates"], stats["faulted"])


def test_http_status(sink):
    sink.fault("http_status", status=502, count=1)
    assert post(sink, "a")[0] == 502
    assert post(sink, "a")[0] == 200
    assert books(sink) == (1, 0, 1)
    assert sink.stats("up")["attempts"] == {"2": 1}


def test_business_error(sink):
    sink.fault("business_error", code=700, message="忙", count=1)
    assert post(sink, "a")[1] == {"code": 700, "message": "忙"}
    assert books(sink) == (0, 0, 1)


def test_timeout_never_answers(sink):
    sink.fault("timeout", count=1)
    with pytest.raises(socket.timeout):
        post(sink, "a", timeout=0.3)
    assert post(sink, "a")[0] == 200
    assert books(sink) == (1, 0, 1)


def test_lost_answer_was_processed(sink):
    sink.fault("lost_answer", count=1)
    with pytest.raises(http.client.RemoteDisconnected):
        post(sink, "a")
    assert post(sink, "a")[0] == 200
    assert books(sink) == (1, 1, 0)


def test_reset_before_reading(sink):
    sink.fault("reset", count=1)
    with pytest.raises(ConnectionResetError):
        post(sink, "a")
    assert post(sink, "a")[0] == 200
    assert books(sink) == (1, 0, 0)


def test_reset_of_one_record(sink):
    sink.fault("reset", match="bad")
    with pytest.raises(ConnectionResetError):
        post(sink, "bad-1")
    assert post(sink, "good-1")[0] == 200


def test_half_an_answer(sink):
    sink.fault("half", count=1)
    with pytest.raises(http.client.IncompleteRead):
        post(sink, "a")
    assert books(sink) == (1, 0, 0)


def test_malformed_json(sink):
    sink.fault("malformed_json", count=1)
    with pytest.raises(json.JSONDecodeError):
        post(sink, "a")
    assert books(sink) == (0, 0, 1)


def test_slow_answers_late(sink):
    sink.fault("slow", delay_ms=300, count=1)
    with pytest.raises(socket.timeout):
        post(sink, "a", timeout=0.1)
    assert post(sink, "a", timeout=5)[0] == 200
    assert books(sink) == (1, 1, 0)


def test_token_expired(sink):
    sink.fault("token_expired", count=1)
    assert post(sink, "a")[0] == 401


def test_down_refuses_connections_and_up_ends_it(sink):
    sink.fault("down")
    with pytest.raises(ConnectionRefusedError):
        post(sink, "a")
    assert sink.stats()["up"] is False
    sink.control("POST", "up")
    assert post(sink, "a")[0] == 200


def test_down_ends_by_itself(sink):
    sink.fault("down", seconds=0.2)
    while not sink.stats()["up"]:
        pass
    assert post(sink, "a")[0] == 200
    assert sink.stats()["faults"] == []


def test_clearing_faults_ends_down(sink):
    sink.fault("down")
    sink.clear()
    assert post(sink, "a")[0] == 200


def test_down_resets_open_connections(sink):
    connection = http.client.HTTPConnection("127.0.0.1", sink.port)
    connection.request("POST", "/up", b'{"id": 1}')
    connection.getresponse().read()
    sink.fault("down")
    with pytest.raises(ConnectionError):
        connection.request("POST", "/up", b'{"id": 2}')
        connection.getresponse()
    connection.close()


def test_first_attempts_of_each_record_fail(sink):
    sink.fault("http_status", first_attempts=2)
    for number in "ab":
        assert [post(sink, number)[0] for _ in range(3)] == [503, 503, 200]
    assert sink.stats("up")["attempts"] == {"3": 2}


def test_fault_of_one_interface(sink):
    sink.fault("http_status", interface="up")
    assert post(sink, "a")[0] == 503
    assert sink.post("/other", {"id": "a"})[0] == 200


def test_fault_ends_after_its_seconds(sink):
    sink.fault("http_status", seconds=0.2)
    seen = set()
    while 200 not in seen:
        seen.add(post(sink, "a")[0])
    assert seen == {503, 200}


def test_processed_overrides_the_kind(sink):
    sink.fault("http_status", processed=True, count=1)
    assert post(sink, "a")[0] == 503
    assert post(sink, "a")[0] == 200
    assert books(sink) == (1, 1, 0)


@pytest.mark.parametrize("fault", [
    {}, {"kind": "x"}, {"kind": "slow", "delay": 1},
    {"kind": "slow", "count": "1"}, {"kind": "slow", "count": True}])
def test_misshapen_fault_is_refused(sink, fault):
    assert call(sink.control_port, "POST", "/_control/fault",
                json.dumps(fault).encode())[0] == 400


def test_invalid_request_is_booked_behind_a_fault(sink):
    sink.fault("http_status")
    assert sink.post("/up", {"value": 1})[0] == 503
    assert sink.stats("up")["invalid"] == 1


def test_yunnan_faults_speak_the_platform_s_words(yunnan):
    fault = yunnan.standin.fault
    fault("bad_signature", count=1)
    assert "验签失败" in yunnan.send("vehicleAccess",
                                 yunnan.access())[1]["message"]
    fault("token_expired", count=1, interface="vehicleAccess")
    assert yunnan.send("vehicleAccess", yunnan.access())[0] == 401
    fault("wrong_envelope", count=1)
    answer = yunnan.send("getToken", {"apiKey": yunnan.api_key,
                                      "apiSecret": yunnan.secret})[1]
    with pytest.raises(ValueError):
        yunnan.open(answer)


# --- books ---------------------------------------------------------------------------

def test_changed_facts_are_invalid(sink):
    post(sink, "a")
    assert sink.post("/up", {"id": "a", "value": 2})[0] == 400
    stats = sink.stats("up")
    assert (stats["accepted"], stats["duplicates"], stats["invalid"]) \
        == (1, 0, 1)
    assert stats["first"] <= stats["last"]


def test_duplicates_can_be_refused(start):
    standin = start("sink", duplicates="refuse")
    assert post(standin, "a")[1]["code"] == 200
    assert post(standin, "a")[1]["code"] == 500
    assert standin.stats("up")["duplicates"] == 1


def test_numbers_are_listed_in_order_and_in_parts(sink):
    for number in range(5):
        post(sink, number)
    assert sink.numbers("up") == list("01234")
    assert sink.control("GET", "numbers?interface=up&offset=1&limit=2") \
        == ["1", "2"]
    assert sink.numbers("none") == []


def test_records_show_the_facts_without_their_pictures(yunnan):
    record = yunnan.access()
    yunnan.send("vehicleAccess", {**record, "carImg": uri(JPEG)})
    found, = yunnan.standin.control(
        "GET", "records?number=" + record["recordId"])
    assert found["record"]["licensePlate"] == record["licensePlate"]
    assert found["interface"] == "vehicleAccess"


@pytest.mark.parametrize("pointer,body", [
    ("/id", {"id": 7}), ("/a/b", {"a": {"b": "7"}}), ("/0/id", [{"id": 7}]),
    ("/a~1b", {"a/b": "7"})])
def test_sink_finds_the_number_by_pointer(start, pointer, body):
    standin = start("sink", id=pointer)
    assert standin.post("/up", body)[0] == 200
    assert standin.numbers("up") == ["7"]


def test_books_and_registration_survive_a_restart(tmp_path):
    state = tmp_path / "state.json"
    with Process("yunnan", state=state) as standin:
        client = YunnanClient(standin)
        client.register()
        client.login()
        record = client.access()
        client.send("vehicleAccess", record)
        printed = standin.stop()
    assert printed["interfaces"]["vehicleAccess"]["accepted"] == 1
    with Process("yunnan", state=state) as standin:
        client.standin = standin
        assert client.register()[1]["code"] == 500
        assert client.send("vehicleAccess", record)[0] == 401
        client.login()
        client.send("vehicleAccess", record)
        client.send("vehicleAccess", {**record, "cargoWeight": 1})
        stats = standin.stats("vehicleAccess")
    assert (stats["accepted"], stats["duplicates"], stats["invalid"]) \
        == (1, 1, 1)


def test_unknown_option_does_not_start():
    with pytest.raises(RuntimeError):
        Process("sink", wrong="x")


# --- HTTP ------------------------------------------------------------------------------

def exchange(port, data):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


HEAD = b"POST /up HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_pipelined_requests_are_answered_in_order(sink):
    request = HEAD + b"Content-Length: 8\r\n\r\n" + b'{"id":1}'
    assert exchange(sink.port, request * 3).count(b"200 OK") == 3
    assert books(sink) == (1, 2, 0)


def test_chunked_body_is_read(sink):
    request = HEAD + (b"Transfer-Encoding: chunked\r\n\r\n"
                      b"4\r\n{\"id\r\n4\r\n\":1}\r\n0\r\n\r\n")
    assert b"200 OK" in exchange(sink.port, request)


def test_expect_100_is_answered(sink):
    request = HEAD + b"Expect: 100-continue\r\nContent-Length: 8\r\n\r\n"
    answer = exchange(sink.port, request + b'{"id":1}')
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


@pytest.mark.parametrize("head", [
    b"POST /up HTTP/1.1\r\n\r\n", b"POST\r\n\r\n",
    b"POST / HTTP/2\r\nHost: x\r\n\r\n",
    HEAD + b"Content-Length: x\r\n\r\n",
    HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"])
def test_misshapen_http_is_400_and_booked(sink, head):
    assert exchange(sink.port, head).startswith(b"HTTP/1.1 400")
    assert sink.stats("http")["invalid"] == 1


# --- TLS -------------------------------------------------------------------------------

def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True,
                   capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A throwaway certificate that is its own CA, for both sides."""
    folder = tmp_path_factory.mktemp("tls")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    return folder


def post_tls(port, certificates, own):
    context = ssl.create_default_context(cafile=certificates / "cert.pem")
    if own:
        context.load_cert_chain(certificates / "cert.pem",
                                certificates / "key.pem")
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5,
                                             context=context)
    try:
        connection.request("POST", "/up", b'{"id": 1}')
        return connection.getresponse().status
    finally:
        connection.close()


def test_client_certificate_can_be_demanded(start, certificates):
    cert, key = certificates / "cert.pem", certificates / "key.pem"
    standin = start("sink", extra=[
        "--tls-cert", str(cert), "--tls-key", str(key), "--client-ca",
        str(cert)])
    assert post_tls(standin.port, certificates, own=True) == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        post_tls(standin.port, certificates, own=False)
    assert standin.stats("up")["accepted"] == 1
