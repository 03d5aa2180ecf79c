"""One data connection of Python's ssl. Arguments: port, version, way; an upload comes from standard input, a download goes to standard output."""

import socket
import ssl
import sys

port, version, way = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
# Some releases of Python 3.10 and 3.11 tell OpenSSL 3 to take a bare end of the connection for a good one.
context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
# Such an end is an error, as it is for most programs.
secured = context.wrap_socket(socket.create_connection(("127.0.0.1", int(port)), timeout=30), suppress_ragged_eofs=False)
if way == "download":
    while block := secured.recv(65536):
        sys.stdout.buffer.write(block)
else:
    secured.sendall(sys.stdin.buffer.read())
    if way == "unwrap":
        secured.unwrap()
secured.close()
