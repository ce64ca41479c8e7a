#include "tests/support/faulty/faults.hpp"

namespace berth::vfs::faulty {

bool is_change(Operation operation) {
    switch (operation) {
    case Operation::root:
    case Operation::find:
    case Operation::space:
    case Operation::limits:
    case Operation::attributes:
    case Operation::access:
    case Operation::read_link:
    case Operation::read:
    case Operation::sync:
    case Operation::open_locks:
    case Operation::lookup:
    case Operation::peek:
    case Operation::list: return false;
    case Operation::set_attributes:
    case Operation::write:
    case Operation::create:
    case Operation::make_directory:
    case Operation::make_symbolic_link:
    case Operation::make_special:
    case Operation::link:
    case Operation::remove:
    case Operation::remove_directory:
    case Operation::rename: return true;
    }
    return false;
}

void Faults::inject(Fault fault) {
    const std::lock_guard guard{lock_};
    injected_.push_back({std::move(fault)});
}

void Faults::clear() {
    const std::lock_guard guard{lock_};
    injected_.clear();
}

std::uint64_t Faults::failures() const {
    const std::lock_guard guard{lock_};
    return failures_;
}

std::uint64_t Faults::calls(Operation operation) const {
    const std::lock_guard guard{lock_};
    return calls_[static_cast<std::size_t>(operation)];
}

std::optional<Faults::Failure> Faults::next(Operation operation, Patience patience) {
    const std::lock_guard guard{lock_};
    ++calls_[static_cast<std::size_t>(operation)];
    std::optional<Failure> failure;
    for (auto& [fault, seen] : injected_) {
        if (fault.unless_waiting && patience != Patience::none) continue;
        if (fault.applies && !fault.applies(operation)) continue;
        ++seen;
        if (failure || seen < fault.nth || seen - fault.nth >= fault.times) continue;
        failure = {fault.error, fault.after_success, fault.read_bytes_max};
    }
    if (failure) ++failures_;
    return failure;
}

}  // namespace berth::vfs::faulty
