#include "tests/support/allocations.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

namespace berth::test {

namespace {

thread_local Allocations counted;

constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
thread_local std::size_t until_failure = never;
thread_local bool has_failed = false;

void* allocate(std::size_t size, std::size_t alignment) {
    if (until_failure != never && until_failure-- == 0) {
        until_failure = never;
        has_failed = true;
        throw std::bad_alloc{};
    }
    ++counted.count;
    counted.bytes += size;
    counted.largest = std::max(counted.largest, size);
    const auto whole = (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment;
    void* memory = alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, whole)
                                                         : std::malloc(whole);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}

void* allocate_if_possible(std::size_t size) noexcept {
    try {
        return allocate(size, 1);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

}  // namespace

Allocations allocations() noexcept {
    return counted;
}

void forget_allocations() noexcept {
    counted = {};
}

void fail_allocation(std::size_t nth) noexcept {
    has_failed = false;
    until_failure = nth;
}

bool stop_failing() noexcept {
    until_failure = never;
    return std::exchange(has_failed, false);
}

}  // namespace berth::test

void* operator new(std::size_t size) {
    return berth::test::allocate(size, 1);
}
void* operator new[](std::size_t size) {
    return berth::test::allocate(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return berth::test::allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return berth::test::allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return berth::test::allocate_if_possible(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return berth::test::allocate_if_possible(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}
