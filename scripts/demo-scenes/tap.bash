# Part of scripts/demo: the time of every packet that leaves a host.
# shellcheck shell=bash disable=SC2154,SC2034  # variables are the demo's

# Sends for two seconds: UDP with a mark, and TCP, whose segments leave as super-packets.
talk() {
  attend ip netns exec "$host" python3 -c '
import os, socket, sys, time
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.SOL_SOCKET, 36, 7)  # SO_MARK
tcp = socket.create_connection(("10.78.0.2", 7), 10)
sent = 0
while sent < 2000:
    udp.sendto(b"valinor" * 20, ("10.78.0.2", 9))
    sent += 1
    if sent % 100 == 0:
        tcp.sendall(bytes(20_000))
        left = 20_000
        while left:
            left -= len(tcp.recv(left))
    time.sleep(0.001)
print(f"sent      {sent} datagrams, {sent // 100} times 20,000 bytes over TCP")
'
}

# Valinor-H in the 34 bytes of Valinor-C: '>QIIHIIIHH', key is the flow hash, source the mark.
show_tapped() {
  printf '  %19s  %5s  %8s  %s\n' 'time, ns' bytes flow mark
  ask_redis --raw zrange "$key" "$@" | python3 -c '
import struct, sys
for line in sys.stdin:
    time, _, _, length, flow, mark, *_ = struct.unpack(">QIIHIIIHH", bytes.fromhex(line))
    print(f"  {time:>19}  {length:>5}  {flow:08x}  {mark}")
'
}

show_tap() {
  cat <<'TEXT'
valinor-afxdp tap, between two network namespaces on this machine:

    namespace "host"                                       namespace "server"
    UDP and TCP of the kernel -- [tap] -- veth-host ======== server0 -- echo server
                                   |
                               valinor-afxdp -- redis-server

A small program in the kernel, at tc egress, stamps every packet that leaves; telemetry or not, the
packets themselves stay as they are. valinor-afxdp makes a record of each (Valinor-H's job).
TEXT
  make_namespaces "$host" "$server"
  connect "$host" veth-host "$server" server0
  ip -n "$host" addr add 10.78.0.1/24 dev veth-host
  ip -n "$server" addr add 10.78.0.2/24 dev server0
  ip netns exec "$server" python3 tests/net/echo.py 10.78.0.2 >"$folder/echo" &
  echo_server=$!
  start_redis
  until [[ -s $folder/echo ]]; do
    kill -0 "$echo_server" 2>/dev/null || fail 'the echo server did not start'
    sleep 0.05
  done
  heading 'The tap starts, and ends by itself after its --duration.'
  start_program tap -i veth-host -k "$key" --duration 4s
  local status=0
  talk >&3
  await_program || status=$?
  heading "Read back from Redis: ZCARD $key = $(ask_redis zcard "$key") records."
  say '  The first ones: datagrams of 140 bytes, 182 with their headers, and their mark:'
  show_tapped 0 5
  say ''
  say '  The last ones: TCP. The segments of a super-packet stand 1 ns apart, for their true times'
  say '  are not known in here:'
  show_tapped -8 -1
  say ''
  if books_hold "$status" && [[ $(ask_redis zcard "$key") -ge 2000 ]]; then
    say "Everything balanced: $(ask_redis zcard "$key") packets left, each has its record."
    return 0
  fi
  say "NOT everything arrived: exit status $status; the equations say where the rest is."
  return 1
}
