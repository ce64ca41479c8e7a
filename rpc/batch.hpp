// The calls that a thread answers one after another: those of one wake-up of a network thread, or
// the single call that a worker takes. A program may let the thread keep something between its
// calls that costs as much as a call to obtain; the thread gives it back when the batch ends.
#pragma once

#include <cstdint>

namespace berth::rpc {

/// Lives on the stack of the thread that runs the batch; batches do not nest.
class Batch {
public:
    Batch() noexcept;
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch();

    /// Whether there is something to give back.
    [[nodiscard]] bool keeps() const noexcept { return owed_ != nullptr; }

    /// Runs on the thread that kept it.
    using GiveBack = void (*)() noexcept;
    /// For the handler of a call: if true, it may keep something. `give_back` is then called once,
    /// before this thread answers a call of another program, starts a thread, or waits for other
    /// work. False outside of any batch.
    [[nodiscard]] static bool may_keep(GiveBack give_back) noexcept;

    /// The dispatcher calls it before each call.
    static void begin_call(std::uint32_t program) noexcept;
    /// To be called before the calling thread starts another, which would inherit what is kept.
    static void give_back() noexcept;

private:
    void pay() noexcept;

    GiveBack owed_ = nullptr;
    std::uint32_t program_ = 0;
};

}  // namespace berth::rpc
