"""A server as anybody would write it, which has never heard of telemetry: sends back what it gets.

    python3 echo.py ADDRESS      UDP and TCP, port 7, until it is killed
"""

import socket
import socketserver
import sys
import threading


def serve_udp(address):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    server.bind(address)
    buffer = bytearray(65536)
    view = memoryview(buffer)
    while True:
        size, peer = server.recvfrom_into(buffer)
        server.sendto(view[:size], peer)


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def main():
    address = (sys.argv[1], 7)
    tcp = Server(address, Connection)
    for work in (tcp.serve_forever, lambda: serve_udp(address)):
        threading.Thread(target=work, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


main()
