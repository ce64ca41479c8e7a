// The calls that a thread answers one after another, with no more than a moment between them. A
// program may let the thread keep something between its calls that costs as much as a call to
// obtain; the thread gives it back when the batch ends.
#pragma once

#include <chrono>
#include <cstdint>

namespace berth::rpc {

/// Lives on the stack of the thread that runs the batch; batches do not nest.
class Batch {
public:
    Batch() noexcept;
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch();

    /// Time for a client that has its reply to send the next call.
    static constexpr std::chrono::milliseconds moment{1};

    /// What a program keeps. The functions run on the thread that kept it.
    struct Kept {
        void (*give_back)() noexcept;
        bool (*is_anything)() noexcept;    ///< whether giving it back would do anything
        std::uint64_t (*uses)() noexcept;  ///< how often it has been of use; only ever grows
    };
    /// Whether giving back what is kept would do anything.
    [[nodiscard]] bool owes() const noexcept { return owed_ != nullptr && owed_->is_anything(); }
    /// Whether to wait for the next call for no more than a moment: there is something to give
    /// back, and it has been of use in one of the last turns. To be asked once a turn: a wait that
    /// has a limit costs more than one that has none.
    [[nodiscard]] bool keeps() noexcept;

    /// For the handler of a call: if true, it may keep something. `kept`, which has static storage
    /// duration, is then given back once, before this thread answers a call of another program,
    /// starts a thread, or waits for longer than the moment. False outside of any batch.
    [[nodiscard]] static bool may_keep(const Kept& kept) noexcept;

    /// The dispatcher calls it before each call.
    static void begin_call(std::uint32_t program) noexcept;
    /// To be called before the calling thread starts another, which would inherit what is kept.
    static void give_back() noexcept;

private:
    void pay() noexcept;

    static constexpr unsigned turns_without_use_max = 32;

    const Kept* owed_ = nullptr;
    std::uint64_t uses_ = 0;  // when it was asked last
    unsigned turns_without_use_ = 0;
    std::uint32_t program_ = 0;
};

}  // namespace berth::rpc
