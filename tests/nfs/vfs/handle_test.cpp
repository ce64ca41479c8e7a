#include "nfs/vfs/handle.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nfs/vfs/bytes.hpp"

namespace berth::vfs {
namespace {

using test::bytes_of;

const HandleKey key{std::span<const std::byte, HandleKey::size>{test::counting_bytes<16>()}};

std::vector<std::byte> copy(const Handle& handle) {
    return {handle.bytes().begin(), handle.bytes().end()};
}

bool is_refused(const HandleSealer& sealer, std::span<const std::byte> bytes) {
    const auto opened = sealer.open(bytes);
    return !opened && opened.error() == bad_handle;
}

TEST(Handle, GoldenBytes) {
    const ObjectId object{bytes_of("aa bb cc")};
    const auto handle = HandleSealer{key}.seal(ExportId{0x01020304}, object);
    EXPECT_EQ(copy(handle), bytes_of("01"                   // version
                                     "03"                   // length of the object id
                                     "01020304"             // export
                                     "aabbcc"               // object id
                                     "df73a1b95e10e6bc"));  // MAC
}

// The vector of the SipHash paper: key 00..0f, message 00..0e.
TEST(Handle, MacIsSipHash24) {
    const auto message = test::counting_bytes<15>();
    EXPECT_EQ(test::sip_hash(message, key), bytes_of("e545be4961ca29a1"));
    const auto sealed = copy(HandleSealer{key}.seal(ExportId{1}, ObjectId{message}));
    const std::span whole{sealed};
    const auto mac = test::sip_hash(whole.first(sealed.size() - 8), key);
    EXPECT_TRUE(std::ranges::equal(whole.last(8), mac));
}

TEST(Handle, OpensToWhatWasSealed) {
    const HandleSealer sealer{key};
    const std::vector<std::byte> bytes(ObjectId::bytes_max, std::byte{0xAB});
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const ObjectId object{std::span{bytes}.first(size)};
        const auto handle = sealer.seal(ExportId{0xFFFFFFFF}, object);
        EXPECT_EQ(handle.bytes().size(), 14 + size);
        const auto opened = sealer.open(handle.bytes());
        ASSERT_TRUE(opened);
        EXPECT_EQ(opened->export_id, ExportId{0xFFFFFFFF});
        EXPECT_EQ(opened->object, object);
    }
}

TEST(Handle, LongestFitsIntoTheProtocols64Bytes) {
    const std::vector<std::byte> bytes(ObjectId::bytes_max);
    EXPECT_EQ(HandleSealer{key}.seal(ExportId{1}, ObjectId{bytes}).bytes().size(), 56U);
}

TEST(Handle, EverySingleBitCounts) {
    const HandleSealer sealer{key};
    for (const std::size_t size : {0U, 3U, 42U}) {
        const std::vector<std::byte> id(size, std::byte{0x5A});
        auto bytes = copy(sealer.seal(ExportId{7}, ObjectId{id}));
        for (auto& byte : bytes) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                byte ^= std::byte{1} << bit;
                EXPECT_TRUE(is_refused(sealer, bytes)) << &byte - bytes.data() << '.' << bit;
                byte ^= std::byte{1} << bit;
            }
        }
        EXPECT_TRUE(sealer.open(bytes));
    }
}

TEST(Handle, EveryOtherLengthIsRefused) {
    const HandleSealer sealer{key};
    const std::vector<std::byte> id(20, std::byte{0x11});
    const auto right = copy(sealer.seal(ExportId{7}, ObjectId{id}));
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
        const auto mac = test::sip_hash(bytes, key);
        bytes.insert(bytes.end(), mac.begin(), mac.end());
        return bytes;
    };
    EXPECT_TRUE(sealer.open(sealed(bytes_of("01 01 00000001 aa"))));
    EXPECT_TRUE(is_refused(sealer, sealed(bytes_of("00 01 00000001 aa")))) << "version 0";
    EXPECT_TRUE(is_refused(sealer, sealed(bytes_of("02 01 00000001 aa")))) << "version 2";
    EXPECT_TRUE(is_refused(sealer, sealed(bytes_of("01 02 00000001 aa")))) << "longer than it is";
    EXPECT_TRUE(is_refused(sealer, sealed(bytes_of("01 00 00000001 aa")))) << "shorter than it is";
    auto too_long = bytes_of("01 2b 00000001");
    too_long.resize(too_long.size() + 43);
    EXPECT_TRUE(is_refused(sealer, sealed(too_long))) << "an id of 43 bytes";
}

TEST(Handle, OtherKeysRefuseIt) {
    const auto handle = HandleSealer{key}.seal(ExportId{1}, ObjectId{bytes_of("aa")});
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
}  // namespace berth::vfs
