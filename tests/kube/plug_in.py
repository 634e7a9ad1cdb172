"""A stand-in of AWS's Session Manager plug-in that behaves as its public source does; the folder beside it tells how.

Arguments, environment, outputs, statuses and signals are those of session-manager-plugin's ``session.go``,
``muxportforwarding.go`` and ``control_signals_unix.go``; instead of a WebSocket it connects to ``far`` by itself.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).resolve().parent
SETTINGS = json.loads((HERE / "settings.json").read_text())
VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"


def say(text):
    print(text, flush=True)


def pump(source, sink):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def terminated(*_):
    (HERE / "terminated").write_text("TerminateSession flag sent")
    say("Terminate signal received, exiting.")
    os._exit(0)


def serve(asked):
    signal.signal(signal.SIGINT, terminated)
    listener = socket.create_server(("127.0.0.1", int(asked["Parameters"]["localPortNumber"][0])))
    say(f"Port {asked['Parameters']['localPortNumber'][0]} opened for sessionId s.\nWaiting for connections...")
    while True:
        near, _ = listener.accept()
        if not SETTINGS["far"]:
            say("Connection to destination port failed, check SSM Agent logs.")
            near.close()
            continue
        far = socket.create_connection(("127.0.0.1", SETTINGS["far"]))
        for ends in ((near, far), (far, near)):
            threading.Thread(target=pump, args=ends, daemon=True).start()


def main():
    if sys.argv[1:] == ["--version"]:
        say(SETTINGS["version"])
        return
    (HERE / "asked.json").write_text(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ)}))
    response, _region, operation, _profile, parameters = sys.argv[1:6]
    held = os.environ[VARIABLE] if response.startswith(VARIABLE) else response
    say(f"Starting session with SessionId: {json.loads(held)['SessionId']}")
    if operation != "StartSession":
        say("Invalid Operation")
    elif SETTINGS["refused"]:
        say(f"Cannot perform start session: {SETTINGS['refused']}")  # and its status is 0
    else:
        serve(json.loads(parameters))


main()
