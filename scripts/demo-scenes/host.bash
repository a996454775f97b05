# Part of scripts/demo: role host between a client whose requests carry telemetry and a server that
# has never heard of it.
# shellcheck shell=bash disable=SC2154,SC2034  # variables are the demo's

readonly requests=20000 server_address=10.78.0.2

make_chain() {
  make_namespaces "$switches" "$host" "$server"
  connect "$host" net0 "$switches" client0
  connect "$host" host0 "$server" server0
  ip -n "$server" link set server0 address 08:00:00:00:04:00
  ip -n "$switches" addr add 10.78.0.1/24 dev client0
  ip -n "$server" addr add "$server_address/24" dev server0
  # The end of the requests that the client builds itself, frame by frame.
  ip -n "$server" neigh add 10.78.0.9 lladdr 08:00:00:00:01:00 dev server0 nud permanent
}

start_server() {
  ip netns exec "$server" python3 tests/net/echo.py "$server_address" >"$folder/echo" &
  echo_server=$!
  for _ in {1..100}; do
    [[ $(cat "$folder/echo") == ready ]] && return
    sleep 0.05
  done
  fail 'the echo server did not start'
}

# 2 MB through the kernels' TCP, there and back: everything else crosses the program as well.
transfer() {
  attend ip netns exec "$switches" python3 -c '
import os, socket, sys, threading
data = os.urandom(2_000_000)
peer = socket.create_connection((sys.argv[1], 7), 10)
threading.Thread(target=peer.sendall, args=(data,)).start()
back = b""
while len(back) < len(data):
    back += peer.recv(1 << 16)
print("TCP       2 MB there and back,", "equal" if back == data else "DIFFERENT")
sys.exit(back != data)
' "$server_address"
}

show_host() {
  cat <<'TEXT'
valinor-afxdp between a client and a server, three network namespaces on this machine:

    namespace "switches"           namespace "host"            namespace "server"
    client -- client0 ======== net0 -- valinor-afxdp -- host0 ======== server0 -- echo server

The client's requests carry P4NetIntel traces, as if they had crossed one to six switches. The
program takes them off, so that the echo server, a few lines of plain Python, sees ordinary packets.
When a reply leaves, the program puts its request's traces in front of it and adds the time that
host and server took: the client learns the whole way of each RPC.
TEXT
  make_chain
  start_server
  start_redis
  heading 'The program starts; then a line a second: what came in, went out, was stored.'
  start_on_interface --set 'interfaces[0].name=net0' --set role=host --set forward.to=host0 \
    --set 'interfaces[0].umem.frame_size=4096' # an MTU, and room for traces in front
  local status=0 replies=0
  attend ip netns exec "$switches" python3 scripts/demo-scenes/client.py client0 "$requests" \
    >"$folder/client" || replies=$?
  transfer >&3 || replies=$?
  sleep 1 # the connection's last segments
  heading 'It stops. Two equations account for every frame and every record:'
  stop_program || status=$?
  heading 'What the client saw; traces newest first, times in microseconds:'
  cat "$folder/client"
  say ''
  if books_hold "$status" && [[ $replies -eq 0 ]] &&
    [[ $(ask_redis zcard "$key") -eq $((2 * requests)) ]]; then
    say "Everything balanced: $requests requests, each reply with its request's traces," \
      "$((2 * requests)) records in Redis (a request, and its pair), nothing lost."
    return 0
  fi
  say "NOT everything was right: exit status $status, client's status $replies;" \
    'the equations and the client say what.'
  return 1
}
