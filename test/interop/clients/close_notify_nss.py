"""
One data connection of NSS. Arguments: port, version, way; an upload comes from standard input, a download goes to standard
output. NSS has no program that ends an upload, so its own functions are called.
"""

import ctypes
import socket
import sys

NOBODY_CHECKS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)(lambda *_: 0)
VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
SECURITY = 1
SHUTDOWN_SEND = 1
FOREVER = 0xFFFFFFFF

nspr = ctypes.CDLL("libnspr4.so")
nss = ctypes.CDLL("libnss3.so")
ssl = ctypes.CDLL("libssl3.so")
for function in (nspr.PR_OpenTCPSocket, ssl.SSL_ImportFD):
    function.restype = ctypes.c_void_p


class Versions(ctypes.Structure):
    _fields_ = [("min", ctypes.c_uint16), ("max", ctypes.c_uint16)]


class Address(ctypes.Structure):
    """A PRNetAddr of an IPv4 address, and room for any other."""

    _fields_ = [("family", ctypes.c_uint16), ("port", ctypes.c_uint16), ("ip", ctypes.c_uint32), ("rest", ctypes.c_byte * 128)]


def check(result):
    if result != 0:
        sys.exit(f"NSS error {nspr.PR_GetError()}")


port, version, way = sys.argv[1:]
check(nss.NSS_NoDB_Init(None))
check(ssl.NSS_SetDomesticPolicy())
fd = ctypes.c_void_p(ssl.SSL_ImportFD(None, ctypes.c_void_p(nspr.PR_OpenTCPSocket(2))))
check(ssl.SSL_OptionSet(fd, SECURITY, 1))
check(ssl.SSL_VersionRangeSet(fd, ctypes.byref(Versions(VERSIONS[version], VERSIONS[version]))))
check(ssl.SSL_AuthCertificateHook(fd, NOBODY_CHECKS, None))
check(ssl.SSL_SetURL(fd, b"localhost"))
address = Address(2, socket.htons(int(port)), int.from_bytes(socket.inet_aton("127.0.0.1"), sys.byteorder))
check(nspr.PR_Connect(fd, ctypes.byref(address), FOREVER))
check(ssl.SSL_ResetHandshake(fd, 0))
check(ssl.SSL_ForceHandshake(fd))
block = ctypes.create_string_buffer(65536)


def read():
    count = nspr.PR_Read(fd, block, len(block))
    if count < 0:
        check(count)
    return block.raw[:count]


if way == "download":
    while data := read():
        sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
else:
    content = sys.stdin.buffer.read()
    if nspr.PR_Write(fd, content, len(content)) != len(content):
        check(-1)
    if way == "shutdown":
        check(nspr.PR_Shutdown(fd, SHUTDOWN_SEND))
        while read():
            pass
check(nspr.PR_Close(fd))
