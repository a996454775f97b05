#include "packet_io/afxdp/afxdp_port.hpp"
#include "pipeline/worker_impl.hpp"

namespace valinor::pipeline {
template class Worker<packet_io::afxdp::AfxdpPort>;
}
