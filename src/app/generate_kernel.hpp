/// `valinor-afxdp gen --kernel`: sends frames that a BPF program makes.
#pragma once

#include "app/generate.hpp"
#include "traffic/frame_template.hpp"

namespace valinor::app {

/// As generate(), to an interface. What has left is what the interface has counted meanwhile.
[[nodiscard]] ExitStatus generate_by_kernel(const GenCommand& command,
                                            const traffic::FrameTemplates& frames,
                                            Signals& signals);

}  // namespace valinor::app
