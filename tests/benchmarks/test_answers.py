"""When a response has come to its end, however it comes."""

import socket

import pytest

from benchmarks.answers import Answer, WrongAnswer, join_chunks

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
NO_CHUNK = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("response", "body"), [(LENGTH, b"{}"), (CHUNKS, b"{}"), (NO_CHUNK, b"")], ids=["length", "chunks", "no chunk"]
)
def test_answer_is_whole_with_its_last_byte_and_serves_again(response: bytes, body: bytes) -> None:
    here, there = socket.socketpair()
    answer = Answer()
    with here, there:
        for _ in range(2):
            for byte in response[:-1]:
                there.sendall(bytes([byte]))
                assert not answer.receive(here)
            there.sendall(response[-1:])
            assert answer.receive(here)
            answer.check(b"\r\n\r\n")
            assert answer.body == body
            answer.begin()


def test_long_answer_is_taken_whole() -> None:
    body = bytes(range(256)) * 20_000
    here, there = socket.socketpair()
    answer = Answer()
    response = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    with here, there:
        for at in range(0, len(response), 50_000):
            part = response[at : at + 50_000]
            there.sendall(part)
            is_whole = answer.receive(here)
        assert is_whole
    assert answer.body == body


def test_other_answers_and_none_are_refused() -> None:
    here, there = socket.socketpair()
    answer = Answer()
    with here, there:
        there.sendall(LENGTH)
        answer.receive_all(here)
        with pytest.raises(WrongAnswer, match="and got b'HTTP"):
            answer.check(b"something else")
        with pytest.raises(WrongAnswer):
            answer.check(b"{}", b"HTTP/1.1 404 ")
        answer.begin()
        there.close()
        with pytest.raises(WrongAnswer, match="broke the connection off"):
            answer.receive(here)


def test_chunks_are_joined() -> None:
    assert join_chunks(b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n") == b"abc0123456789"
