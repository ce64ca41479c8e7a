#include "tests/support/allocations.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace berth::test {

namespace {

thread_local Allocations counted;

void* allocate(std::size_t size, std::size_t alignment) {
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
