#include "nfs/exports/handle.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sodium.h>

#include "tests/nfs/vfs/bytes.hpp"

namespace berth::exports {
namespace {

using vfs::test::bytes_of;
using vfs::test::counting_bytes;

const HandleKey key{std::span<const std::byte, HandleKey::size>{counting_bytes<16>()}};

std::vector<std::byte> sip_hash(std::span<const std::byte> message, const HandleKey& with) {
    std::vector<std::byte> hash(crypto_shorthash_siphash24_BYTES);
    crypto_shorthash_siphash24(reinterpret_cast<unsigned char*>(hash.data()),
                               reinterpret_cast<const unsigned char*>(message.data()),
                               message.size(),
                               reinterpret_cast<const unsigned char*>(with.bytes().data()));
    return hash;
}

std::vector<std::byte> copy(const Handle& handle) {
    return {handle.bytes().begin(), handle.bytes().end()};
}

std::errc refusal(const HandleSealer& sealer, std::span<const std::byte> bytes) {
    const auto opened = sealer.open(bytes);
    return opened ? std::errc{} : opened.error();
}

bool is_refused(const HandleSealer& sealer, std::span<const std::byte> bytes) {
    return refusal(sealer, bytes) == vfs::bad_handle;
}

TEST(Handle, GoldenBytes) {
    const vfs::ObjectId object{bytes_of("aa bb cc")};
    const vfs::Way way{bytes_of("dd ee")};
    const auto handle = HandleSealer{key}.seal(ExportId{0x01020304}, object, way);
    EXPECT_EQ(copy(handle), bytes_of("02"                   // version
                                     "0d"                   // 3 bytes of object id, 1 of padding
                                     "01020304"             // export
                                     "aabbcc"               // object id
                                     "ddee"                 // way
                                     "00"                   // padding
                                     "fc91d666a3352c74"));  // MAC
}

// The vector of the SipHash paper: key 00..0f, message 00..0e.
TEST(Handle, MacIsSipHash24) {
    const auto message = counting_bytes<15>();
    EXPECT_EQ(sip_hash(message, key), bytes_of("e545be4961ca29a1"));
    const auto sealed = copy(HandleSealer{key}.seal(ExportId{1}, vfs::ObjectId{message}));
    const std::span whole{sealed};
    const auto mac = sip_hash(whole.first(sealed.size() - 8), key);
    EXPECT_TRUE(std::ranges::equal(whole.last(8), mac));
}

TEST(Handle, OpensToWhatWasSealed) {
    const HandleSealer sealer{key};
    const std::vector<std::byte> bytes(vfs::ObjectId::bytes_max, std::byte{0xAB});
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const vfs::ObjectId object{std::span{bytes}.first(size)};
        for (std::size_t more = 0; size + more <= bytes.size(); ++more) {
            const vfs::Way way{std::span{bytes}.first(more)};
            const auto handle = sealer.seal(ExportId{0xFFFFFFFF}, object, way);
            const auto opened = sealer.open(handle.bytes());
            ASSERT_TRUE(opened);
            EXPECT_EQ(opened->export_id, ExportId{0xFFFFFFFF});
            EXPECT_EQ(opened->object, object);
            EXPECT_EQ(opened->way, way);
        }
    }
}

// U-Boot copies handles in words.
TEST(Handle, LengthsAreMultiplesOfFourAndNoLongerThanNeeded) {
    const std::vector<std::byte> bytes(vfs::ObjectId::bytes_max);
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const vfs::ObjectId object{std::span{bytes}.first(size)};
        const auto length = HandleSealer{key}.seal(ExportId{1}, object).bytes().size();
        EXPECT_EQ(length % 4, 0U) << size;
        EXPECT_GE(length, 14 + size);
        EXPECT_LT(length, 14 + size + 4);
    }
}

TEST(Handle, LongestFitsIntoTheProtocols64Bytes) {
    const std::vector<std::byte> bytes(vfs::ObjectId::bytes_max);
    EXPECT_EQ(HandleSealer{key}.seal(ExportId{1}, vfs::ObjectId{bytes}).bytes().size(), 56U);
}

TEST(Handle, EverySingleBitCounts) {
    const HandleSealer sealer{key};
    for (const std::size_t size : {0U, 3U, 42U}) {
        const std::vector<std::byte> id(size, std::byte{0x5A});
        auto bytes = copy(sealer.seal(ExportId{7}, vfs::ObjectId{id}));
        for (auto& byte : bytes) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                byte ^= std::byte{1} << bit;
                const bool is_version =
                    &byte == bytes.data() && byte != std::byte{0} && byte < std::byte{16};
                EXPECT_EQ(refusal(sealer, bytes), is_version ? vfs::stale : vfs::bad_handle)
                    << &byte - bytes.data() << '.' << bit;
                byte ^= std::byte{1} << bit;
            }
        }
        EXPECT_TRUE(sealer.open(bytes));
    }
}

TEST(Handle, EveryOtherLengthIsRefused) {
    const HandleSealer sealer{key};
    const std::vector<std::byte> id(20, std::byte{0x11});
    const auto right = copy(sealer.seal(ExportId{7}, vfs::ObjectId{id}));
    for (std::size_t size = 0; size <= 64; ++size) {
        auto bytes = right;
        bytes.resize(size);
        EXPECT_EQ(!is_refused(sealer, bytes), size == right.size()) << size;
        EXPECT_TRUE(is_refused(sealer, std::vector<std::byte>(size))) << size;
    }
}

// Bytes with a right MAC come only from us, but a later version of us may have sealed them.
TEST(Handle, RightlySealedNonsenseIsRefused) {
    const HandleSealer sealer{key};
    const auto sealed = [](std::vector<std::byte> bytes) {
        const auto mac = sip_hash(bytes, key);
        bytes.insert(bytes.end(), mac.begin(), mac.end());
        return bytes;
    };
    EXPECT_TRUE(sealer.open(sealed(bytes_of("02 05 00000001 aa 00"))));
    EXPECT_TRUE(sealer.open(sealed(bytes_of("02 03 00000001 aa 00 00 00 00 00"))));
    EXPECT_TRUE(is_refused(sealer, sealed(bytes_of("02 0c 00000001 aabb")))) << "an id of 3 bytes";
    EXPECT_TRUE(is_refused(sealer, sealed(bytes_of("02 06 00000001 aa 00")))) << "too much padding";
    EXPECT_TRUE(is_refused(sealer, sealed(bytes_of("02 04 00000001 aa")))) << "not padded";
    EXPECT_TRUE(is_refused(sealer, sealed(bytes_of("00 05 00000001 aa 00")))) << "version 0";
    auto too_long = bytes_of("02 ac 00000001");
    too_long.resize(too_long.size() + 46);
    EXPECT_TRUE(is_refused(sealer, sealed(too_long))) << "60 bytes";
}

// A client that has one looks the object up again; "bad" would be an error to its user.
TEST(Handle, OnesOfOtherVersionsAreStale) {
    const HandleSealer sealer{key};
    const auto first = bytes_of("01 03 01020304 aabbcc df73a1b95e10e6bc");
    EXPECT_EQ(refusal(sealer, first), vfs::stale);
    EXPECT_EQ(refusal(HandleSealer{HandleKey::random()}, first), vfs::stale);
    EXPECT_TRUE(is_refused(sealer, std::span{first}.first(first.size() - 1))) << "cut short";
    for (std::size_t size = 14; size <= Handle::bytes_max; ++size) {
        for (const int version : {3, 15}) {
            std::vector<std::byte> bytes(size, static_cast<std::byte>(version));
            EXPECT_EQ(refusal(sealer, bytes), size % 4 == 0 ? vfs::stale : vfs::bad_handle) << size;
        }
        EXPECT_TRUE(is_refused(sealer, std::vector<std::byte>(size, std::byte{16}))) << size;
    }
}

TEST(Handle, OtherKeysRefuseIt) {
    const auto handle = HandleSealer{key}.seal(ExportId{1}, vfs::ObjectId{bytes_of("aa")});
    EXPECT_TRUE(is_refused(HandleSealer{HandleKey::random()}, handle.bytes()));
}

TEST(HandleKey, RandomOnesDiffer) {
    std::set<std::vector<std::byte>> seen;
    for (int i = 0; i < 100; ++i) {
        const auto random = HandleKey::random();
        seen.emplace(random.bytes().begin(), random.bytes().end());
    }
    EXPECT_EQ(seen.size(), 100U);
}

}  // namespace
}  // namespace berth::exports
