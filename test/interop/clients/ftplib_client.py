"""Python's ftplib as a partner's script uses it. Each line of input is an order, each line of output its result, in JSON."""

import ftplib
import json
import ssl
import sys


class ResumingFtp(ftplib.FTP_TLS):
    """The well-known few lines that make ftplib resume the control connection's TLS session on its data connections."""

    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
        return conn, size


def connect(order):
    if order["version"] == "none":
        return connect_in_clear(order)
    version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[order["version"]]
    context = ssl.create_default_context(cafile=order["ca"])
    context.minimum_version = context.maximum_version = version
    make = ResumingFtp if order["resumption"] == "always" else ftplib.FTP_TLS
    ftp = make(context=context, timeout=5)
    ftp.connect(order["host"], int(order["port"]))
    ftp.login(order["user"], order["password"])
    ftp.prot_p()
    ftp.set_pasv(order["mode"] == "passive")
    return ftp


def connect_in_clear(order):
    ftp = ftplib.FTP(timeout=5)
    ftp.connect(order["host"], int(order["port"]))
    ftp.login(order["user"], order["password"])
    ftp.set_pasv(order["mode"] == "passive")
    return ftp


def upload(ftp, local, remote):
    with open(local, "rb") as file:
        ftp.storbinary(f"STOR {remote}", file)


def download(ftp, remote, local):
    with open(local, "wb") as file:
        ftp.retrbinary(f"RETR {remote}", file.write)


def resume_upload(ftp, local, remote, position=None):
    ftp.voidcmd("TYPE I")
    start = ftp.size(remote) if position is None else int(position)
    with open(local, "rb") as file:
        file.seek(start)
        ftp.storbinary(f"STOR {remote}", file, rest=start)


def resume_download(ftp, remote, local):
    with open(local, "ab") as file:
        ftp.retrbinary(f"RETR {remote}", file.write, rest=file.tell())


def list_names(ftp, directory):
    return "\n".join(name for name, facts in ftp.mlsd(directory))


def list_lines(ftp, directory):
    lines = []
    ftp.retrlines(f"LIST {directory}", lines.append)
    return "\n".join(lines)


def upload_text(ftp, local, remote):
    with open(local, "rb") as file:
        ftp.storlines(f"STOR {remote}", file)


def download_text(ftp, remote, local):
    with open(local, "w", encoding="utf-8") as file:
        ftp.retrlines(f"RETR {remote}", lambda line: file.write(line + "\n"))


def round_trips(ftp, local, folder, times):
    for index in range(int(times)):
        upload(ftp, local, f"file {index}")
        download(ftp, f"file {index}", f"{folder}/{index}")


def abort_download(ftp, remote):
    """Gives up in the middle and goes on; in clear, abort() sends ABOR as urgent data. Returns the replies."""
    ftp.voidcmd("TYPE I")
    conn = ftp.transfercmd(f"RETR {remote}")
    conn.recv(1)
    replies = [ftp.abort(), ftp.getresp()]
    conn.close()
    replies.append(ftp.sendcmd("NOOP"))
    received = []
    replies.append(ftp.retrlines("NLST", received.append))
    return " ".join([reply[:3] for reply in replies] + received)


WORK = {
    "upload": upload,
    "download": download,
    "resumeUpload": resume_upload,
    "resumeDownload": resume_download,
    "list": list_names,
    "listLines": list_lines,
    "rename": lambda ftp, old, new: ftp.rename(old, new),
    "remove": lambda ftp, path: ftp.delete(path),
    "makeDirectory": lambda ftp, path: ftp.mkd(path),
    "uploadText": upload_text,
    "downloadText": download_text,
    "roundTrips": round_trips,
    "abortDownload": abort_download,
}

for line in sys.stdin:
    order = json.loads(line)
    try:
        with connect(order) as ftp:
            result = {"value": WORK[order["work"]](ftp, *order["arguments"])}
    except ftplib.all_errors as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result), flush=True)
