#include "packet_io/replay/replay_port.hpp"
#include "pipeline/worker_impl.hpp"

namespace valinor::pipeline {
template class Worker<packet_io::replay::ReplayPort>;
}
