// Any bytes as a handle: refused, unless they are just what sealing gives. And what sealing gives
// is refused with any one bit turned, cut short, or under another key.
#include "nfs/exports/handle.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "nfs/vfs/memory.hpp"
#include "tests/fuzz/support/expect.hpp"
#include "tests/support/bytes.hpp"

namespace berth::fuzz {
namespace {

constexpr std::array<std::byte, exports::HandleKey::size> key{std::byte{1}};
constexpr std::array<std::byte, exports::HandleKey::size> other_key{std::byte{2}};

void open(const exports::HandleSealer& sealer, std::span<const std::byte> bytes) {
    const test::ExactCopy copy{bytes};
    const auto opened = sealer.open(copy.bytes());
    if (!opened) {
        expect(opened.error() == vfs::bad_handle || opened.error() == vfs::stale);
        return;
    }
    const auto sealed = sealer.seal(opened->export_id, opened->object, opened->way);
    expect(std::ranges::equal(sealed.bytes(), bytes));
}

bool opens(const exports::HandleSealer& sealer, std::span<const std::byte> bytes) {
    return sealer.open(test::ExactCopy{bytes}.bytes()).has_value();
}

// The input as what a handle says: an export, an object and a way.
void seal(const exports::HandleSealer& sealer, std::span<const std::byte> bytes) {
    if (bytes.size() < 6) return;
    const auto export_id = exports::ExportId{xdr::Reader{bytes.first(4)}.u32()};
    const auto turned_bit = std::to_integer<std::size_t>(bytes[4]);
    const auto said = bytes.subspan(6).first(std::min(bytes.size() - 6, vfs::ObjectId::bytes_max));
    const auto id_bytes = std::min(std::to_integer<std::size_t>(bytes[5]), said.size());
    const vfs::ObjectId object{said.first(id_bytes)};
    const vfs::Way way{said.subspan(id_bytes)};
    const auto sealed = sealer.seal(export_id, object, way);

    const auto opened = sealer.open(sealed.bytes());
    expect(opened.has_value());
    expect(opened->export_id == export_id);
    expect(opened->object == object);
    expect(opened->way == way);

    std::vector<std::byte> wrong(sealed.bytes().begin(), sealed.bytes().end());
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        const auto bit = std::byte{1} << (turned_bit + i) % 8;
        wrong[i] ^= bit;
        expect(!opens(sealer, wrong));
        wrong[i] ^= bit;
        expect(!opens(sealer, std::span{wrong}.first(i)));
    }
    expect(!opens(exports::HandleSealer{exports::HandleKey{other_key}}, sealed.bytes()));
}

// Bytes that no tree has given out are no object of it, and do no harm.
void find(std::span<const std::byte> bytes) {
    if (bytes.size() > vfs::ObjectId::bytes_max) return;
    static const auto tree = vfs::memory::make();
    const vfs::ObjectId id{bytes};
    const auto found = tree->find(id, vfs::Patience::none);
    if (found)
        expect((*found)->id() == id);
    else
        expect(found.error() == vfs::stale || found.error() == std::errc::invalid_argument);
}

}  // namespace
}  // namespace berth::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth;
    static const exports::HandleSealer sealer{exports::HandleKey{fuzz::key}};
    const auto bytes = fuzz::input(data, size);
    fuzz::open(sealer, bytes);
    fuzz::seal(sealer, bytes);
    fuzz::find(bytes);
    return 0;
}
