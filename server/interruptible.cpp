#include "server/interruptible.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "rpc/threads/start.hpp"

namespace berth::server {
namespace {

constexpr std::chrono::seconds long_time{5};

/// Shared by both threads; it outlives the one that ends first.
class Done {
public:
    Done() : descriptor_(::eventfd(0, EFD_CLOEXEC)) {
        if (descriptor_ < 0)
            throw std::system_error(errno, std::generic_category(), "cannot wait for a thread");
    }
    Done(const Done&) = delete;
    Done& operator=(const Done&) = delete;
    ~Done() { ::close(descriptor_); }

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    void set(std::exception_ptr failure) noexcept {
        failure_ = std::move(failure);
        ::eventfd_write(descriptor_, 1);
    }
    /// Called once the work is done. The caller takes over the exception, so that it does not end
    /// with whichever thread releases this last.
    void check() {
        if (auto failure = std::exchange(failure_, {})) std::rethrow_exception(std::move(failure));
    }

private:
    const int descriptor_;
    std::exception_ptr failure_;
};

std::thread start(std::shared_ptr<Done> done, std::function<void()> work) {
    return threads::start([done = std::move(done), work = std::move(work)] {
        threads::name_this_thread("exports");
        std::exception_ptr failure;
        try {
            work();
        } catch (...) {
            failure = std::current_exception();
        }
        done->set(std::move(failure));
    });
}

}  // namespace

std::optional<int> run_interruptibly(Signals& signals, ServiceManager& manager,
                                     const std::function<void()>& work,
                                     const std::function<std::string()>& busy_with) {
    const auto done = std::make_shared<Done>();
    auto thread = start(done, work);
    ServiceManager::Patience patience = long_time;
    for (;;) {
        std::array<pollfd, 2> awaited{
            {{done->descriptor(), POLLIN, 0}, {signals.descriptor(), POLLIN, 0}}};
        const int count = manager.wait(awaited, patience);
        if (count == 0) {
            spdlog::warn("{} takes long: a file system does not answer", busy_with());
            patience.reset();
        }
        if (count > 0 && awaited[0].revents != 0) {
            thread.join();
            done->check();
            return {};
        }
        if (count <= 0) continue;
        if (const auto ending = signals.take_ending()) {
            thread.detach();
            return ending;
        }
    }
}

}  // namespace berth::server
