"""Uploads that end with a closed socket at once. Reads one order as JSON, writes the final replies as JSON."""

import ftplib
import json
import select
import socket
import ssl
import sys


def end_politely(secured):
    """Sends close_notify and waits for the server's."""
    secured.unwrap()


def end_with_alert_only(secured):
    """Sends close_notify and waits for nothing, as many C programs do that call SSL_shutdown once."""
    secured.settimeout(0)
    while True:
        try:
            secured.unwrap()
            return
        except ssl.SSLWantWriteError:
            select.select([], [secured], [])
        except ssl.SSLWantReadError:
            return


def end_like_curl(secured):
    """Reads once, in case the server has said something, sends close_notify and waits for nothing."""
    secured.settimeout(0)
    try:
        secured.recv(32)
    except ssl.SSLWantReadError:
        pass
    end_with_alert_only(secured)


def end_bare(secured):
    """Sends no close_notify at all."""


def upload_unread(raw, context, host, content):
    """Reads nothing behind the handshake, sends close_notify and closes: whatever has come by then is in the way of the FIN."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = context.wrap_bio(incoming, outgoing, server_hostname=host)
    while True:
        try:
            secured.do_handshake()
            break
        except ssl.SSLWantReadError:
            raw.sendall(outgoing.read())
            incoming.write(raw.recv(65536))
    secured.write(content)
    try:
        secured.unwrap()
    except ssl.SSLWantReadError:
        pass
    raw.sendall(outgoing.read())
    raw.close()


ENDINGS = {"polite": end_politely, "alert": end_with_alert_only, "curl": end_like_curl, "bare": end_bare}

order = json.load(sys.stdin)
context = ssl.create_default_context(cafile=order["ca"])
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, order["version"])
content = open(order["file"], "rb").read()
replies = []
with ftplib.FTP_TLS(context=context, timeout=10) as ftp:
    ftp.connect(order["host"], order["port"])
    ftp.login(order["user"], order["password"])
    ftp.prot_p()
    ftp.voidcmd("TYPE I")
    for _ in range(order["times"]):
        raw = socket.create_connection(ftp.makepasv(), timeout=10)
        ftp.sendcmd("STOR " + order["name"])
        if order["ending"] == "unread":
            upload_unread(raw, context, order["host"], content)
        else:
            session = ftp.sock.session if order["resumes"] else None
            secured = context.wrap_socket(raw, server_hostname=order["host"], session=session)
            secured.sendall(content)
            ENDINGS[order["ending"]](secured)
            secured.close()
        try:
            replies.append(ftp.voidresp())
        except ftplib.Error as error:
            replies.append(str(error))
json.dump(replies, sys.stdout)
