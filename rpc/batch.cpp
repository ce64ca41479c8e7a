#include "rpc/batch.hpp"

#include <cassert>
#include <utility>

namespace berth::rpc {
namespace {

thread_local Batch* present = nullptr;

}  // namespace

Batch::Batch() noexcept {
    assert(present == nullptr);
    present = this;
}

Batch::~Batch() {
    pay();
    present = nullptr;
}

bool Batch::keeps() noexcept {
    if (!owes()) return false;
    const bool is_of_use = std::exchange(uses_, owed_->uses()) != uses_;
    turns_without_use_ = is_of_use ? 0 : turns_without_use_ + 1;
    return turns_without_use_ <= turns_without_use_max;
}

bool Batch::may_keep(const Kept& kept) noexcept {
    if (present == nullptr) return false;
    assert(present->owed_ == nullptr || present->owed_ == &kept);
    present->owed_ = &kept;
    return true;
}

void Batch::begin_call(std::uint32_t program) noexcept {
    if (present == nullptr || std::exchange(present->program_, program) == program) return;
    present->pay();
}

void Batch::give_back() noexcept {
    if (present != nullptr) present->pay();
}

void Batch::pay() noexcept {
    if (const auto* const owed = std::exchange(owed_, nullptr)) owed->give_back();
}

}  // namespace berth::rpc
