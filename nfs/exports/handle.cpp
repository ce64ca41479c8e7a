#include "nfs/exports/handle.hpp"

#include <cstring>
#include <system_error>

#include <sys/random.h>

#include <boost/endian/conversion.hpp>
#include <sodium.h>

namespace berth::exports {
namespace {

constexpr std::byte version{2};
constexpr std::byte version_without_ways{1};
constexpr std::byte version_max{15};
constexpr std::size_t word = 4;
constexpr unsigned padding_bits = 2;
constexpr std::size_t export_id_at = 2;
constexpr std::size_t object_at = 6;
constexpr std::size_t mac_bytes = crypto_shorthash_siphash24_BYTES;
constexpr std::size_t bytes_min = object_at + mac_bytes;

static_assert(object_at + vfs::ObjectId::bytes_max + mac_bytes == Handle::bytes_max);
static_assert(Handle::bytes_max % word == 0 && word == 1U << padding_bits);
static_assert(vfs::ObjectId::bytes_max < (1U << (8 - padding_bits)));
static_assert(HandleKey::size == crypto_shorthash_siphash24_KEYBYTES);

using Mac = std::array<unsigned char, mac_bytes>;

unsigned char* raw(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}

Mac mac_of(std::span<const std::byte> bytes, const HandleKey& key) {
    Mac mac{};
    crypto_shorthash_siphash24(mac.data(), raw(bytes.data()), bytes.size(),
                               raw(key.bytes().data()));
    return mac;
}

// A client has a handle of another version from this server before its upgrade. Clients look an
// object up again if its handle is stale, and only then.
bool is_of_another_version(std::span<const std::byte> handle) {
    if (handle[0] == version_without_ways)
        return std::to_integer<std::size_t>(handle[1]) == handle.size() - bytes_min;
    return handle[0] > version && handle[0] <= version_max && handle.size() % word == 0;
}

}  // namespace

HandleKey HandleKey::random() {
    std::array<std::byte, size> bytes{};
    // Reads of up to 256 bytes are never short, and block only while the machine boots.
    while (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    return HandleKey{bytes};
}

Handle HandleSealer::seal(ExportId export_id, const vfs::ObjectId& object,
                          const vfs::Way& way) const {
    std::array<std::byte, Handle::bytes_max> bytes{};
    const auto id = object.bytes();
    const auto said = object_at + id.size() + way.bytes().size();
    assert(said + mac_bytes <= Handle::bytes_max);
    const auto padding = (word - (said + mac_bytes) % word) % word;
    bytes[0] = version;
    bytes[1] = static_cast<std::byte>(id.size() << padding_bits | padding);
    boost::endian::store_big_u32(raw(&bytes[export_id_at]), static_cast<std::uint32_t>(export_id));
    std::memcpy(&bytes[object_at], id.data(), id.size());
    std::memcpy(&bytes[object_at] + id.size(), way.bytes().data(), way.bytes().size());

    const auto sealed = said + padding;
    const auto mac = mac_of(std::span{bytes}.first(sealed), key_);
    std::memcpy(&bytes[sealed], mac.data(), mac.size());
    return Handle{std::span{bytes}.first(sealed + mac_bytes)};
}

vfs::Result<OpenedHandle> HandleSealer::open(std::span<const std::byte> handle) const {
    if (handle.size() < bytes_min || handle.size() > Handle::bytes_max) return vfs::bad_handle;
    if (is_of_another_version(handle)) return vfs::stale;
    if (handle[0] != version || handle.size() % word != 0) return vfs::bad_handle;

    // Compared as one number, so it takes the same time wherever they differ.
    const auto mac = mac_of(handle.first(handle.size() - mac_bytes), key_);
    if (boost::endian::load_big_u64(mac.data()) !=
        boost::endian::load_big_u64(raw(handle.last(mac_bytes).data())))
        return vfs::bad_handle;

    const auto lengths = std::to_integer<std::size_t>(handle[1]);
    const auto padding = lengths % word;
    const auto id_bytes = lengths >> padding_bits;
    const auto said = handle.subspan(object_at, handle.size() - bytes_min);
    if (id_bytes + padding > said.size()) return vfs::bad_handle;
    const ExportId id{boost::endian::load_big_u32(raw(&handle[export_id_at]))};
    return vfs::Result<OpenedHandle>{boost::system::in_place_value, id, said.first(id_bytes),
                                     said.subspan(id_bytes, said.size() - id_bytes - padding)};
}

}  // namespace berth::exports
