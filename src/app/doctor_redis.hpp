/// What is in the way of a run at its Redis servers: the examination of a start, as `doctor` tells
/// it. Writes nothing.
#pragma once

#include "app/config.hpp"
#include "doctor/diagnosis.hpp"

namespace valinor::app {

/// Takes at most the configured times to connect and to answer. Throws what read_access() does.
[[nodiscard]] doctor::Diagnoses examine_redis(const Config& config);

}  // namespace valinor::app
