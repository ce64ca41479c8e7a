// READ — RFC 1813 §3.3.6.
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

constexpr std::uint64_t past_end = std::numeric_limits<std::uint64_t>::max();

class ReadTest : public ServiceTest {
protected:
    const KeptHandle file_ = make_file(root(), "file", "0123456789");

    struct Seen {
        std::string data;
        bool eof = false;
        bool operator==(const Seen&) const = default;
    };
    Seen read(std::uint64_t offset, std::uint32_t count) { return read(file_, offset, count); }
    Seen read(const KeptHandle& file, std::uint64_t offset, std::uint32_t count) {
        const auto ok = succeed<Read>({.file = file, .offset = offset, .count = count});
        EXPECT_EQ(ok.count, ok.data.size()) << "clients refuse the reply if these differ";
        EXPECT_TRUE(ok.attributes);
        return {text_of(ok.data.bytes()), ok.eof};
    }
};

TEST_F(ReadTest, every_offset_and_count_of_a_small_file) {
    const std::string all = "0123456789";
    for (std::uint32_t offset = 0; offset <= 12; ++offset) {
        for (std::uint32_t count = 0; count <= 14; ++count) {
            const auto expected = offset < all.size() ? all.substr(offset, count) : std::string{};
            const auto seen = read(offset, count);
            EXPECT_EQ(seen.data, expected) << offset << ' ' << count;
            EXPECT_EQ(seen.eof, offset + expected.size() >= all.size()) << offset << ' ' << count;
        }
    }
}

TEST_F(ReadTest, past_the_end_is_empty_and_the_end) {
    for (const std::uint64_t offset :
         {std::uint64_t{10}, std::uint64_t{1} << 32, std::uint64_t{1} << 63, past_end - 100})
        EXPECT_EQ(read(offset, 100), (Seen{"", true})) << offset;
}

TEST_F(ReadTest, whose_end_no_number_holds_is_invalid) {
    refuse<Read>(Status::invalid, {.file = file_, .offset = past_end, .count = 1});
    refuse<Read>(Status::invalid, {.file = file_, .offset = past_end - 8, .count = 0xFFFFFFFF});
    EXPECT_EQ(read(past_end, 0), (Seen{"", true}));
}

TEST_F(ReadTest, of_an_empty_file) {
    const auto empty = make_file(root(), "empty");
    EXPECT_EQ(read(empty, 0, 0), (Seen{"", true}));
    EXPECT_EQ(read(empty, 0, 100), (Seen{"", true}));
}

TEST_F(ReadTest, of_more_than_rtmax_is_short) {
    const std::uint32_t rtmax = 1U << 20;
    const auto large = make_file(root(), "large");
    SetAttributes::Args grow{.object = large};
    grow.attributes.size = std::uint64_t{3} << 20;
    succeed<SetAttributes>(grow);
    for (const std::uint32_t count : {rtmax, rtmax + 1, 0x80000000U, 0xFFFFFFFFU}) {
        const auto seen = read(large, 0, count);
        EXPECT_EQ(seen.data.size(), rtmax);
        EXPECT_FALSE(seen.eof);
    }
    EXPECT_EQ(read(large, std::uint64_t{2} << 20, 0xFFFFFFFF).data.size(), rtmax);
    EXPECT_TRUE(read(large, std::uint64_t{2} << 20, 0xFFFFFFFF).eof);
}

TEST_F(ReadTest, over_udp_is_short_enough_for_a_datagram) {
    const auto large = make_file(root(), "large", std::string(100'000, 'x'));
    wire_.transport = rpc::Transport::udp;
    const auto seen = read(large, 0, 1U << 20);
    EXPECT_EQ(seen.data.size(), 32768U);
    EXPECT_FALSE(seen.eof);
}

/// Datagrams from an address that has not shown yet that it gets replies.
class UnprovenReader : public ReadTest {
protected:
    UnprovenReader() {
        wire_.transport = rpc::Transport::udp;
        wire_.correspondents = &correspondents_;
    }
    [[nodiscard]] std::size_t reply_bytes_max() const { return 10 * wire_.last_request.size(); }

    rpc::Correspondents correspondents_;
    const std::string text_ = std::string(20'000, 'x') + std::string(20'000, 'y');
    const KeptHandle large_ = make_file(root(), "large", text_);
};

TEST_F(UnprovenReader, gets_short_replies_of_many_lengths) {
    std::set<std::size_t> lengths;
    for (int times = 0; times < 50; ++times) {
        const auto seen = read(large_, 0, 8192);
        EXPECT_LE(wire_.last_reply.size(), reply_bytes_max());
        EXPECT_FALSE(seen.eof);
        EXPECT_GT(seen.data.size(), 200U);
        lengths.insert(seen.data.size());
    }
    EXPECT_GT(lengths.size(), 10U) << "nobody can guess them";
}

TEST_F(UnprovenReader, gets_whole_what_fits) {
    EXPECT_EQ(read(file_, 0, 8192), (Seen{"0123456789", true}));
    EXPECT_EQ(read(large_, 0, 300).data.size(), 300U);
    const auto end = read(large_, text_.size() - 300, 8192);
    EXPECT_EQ(end.data.size(), 300U);
    EXPECT_TRUE(end.eof);
}

TEST_F(UnprovenReader, who_reads_on_reads_all_and_is_soon_believed) {
    std::string all;
    std::vector<std::size_t> lengths;
    for (bool at_end = false; !at_end && lengths.size() < 100;) {
        const auto seen = read(large_, all.size(), 8192);
        all += seen.data;
        lengths.push_back(seen.data.size());
        at_end = seen.eof;
    }
    EXPECT_EQ(all, text_);
    ASSERT_GT(lengths.size(), 5U);
    EXPECT_LT(lengths[3], 2000U);
    EXPECT_EQ(lengths[4], 8192U);
}

TEST_F(UnprovenReader, who_guesses_is_not_believed) {
    for (std::uint64_t offset = 0; offset < 4000; offset += 10) {
        read(large_, offset, 8192);
        EXPECT_LE(wire_.last_reply.size(), reply_bytes_max());
    }
    wire_.caller.address = *rpc::Address::parse("192.0.2.99");
    const auto seen = read(large_, 0, 8192);
    wire_.caller.address = *rpc::Address::parse("192.0.2.7");
    read(large_, seen.data.size(), 8192);
    EXPECT_LE(wire_.last_reply.size(), reply_bytes_max());
}

TEST_F(UnprovenReader, gets_directories_in_small_pages) {
    for (int i = 0; i < 200; ++i) make_file(root(), "name" + std::to_string(i));
    std::size_t count = 0;
    std::uint64_t cookie = 0;
    Verifier verifier{};
    for (bool at_end = false; !at_end && count < 1000;) {
        const auto page = succeed<ReadDirectoryPlus>({root(), cookie, verifier, 32768, 32768});
        EXPECT_LE(wire_.last_reply.size(), reply_bytes_max());
        ASSERT_FALSE(page.entries.items.empty());
        count += page.entries.items.size();
        cookie = page.entries.items.back().cookie;
        verifier = page.verifier;
        at_end = page.eof;
    }
    EXPECT_GE(count, 200U);
}

TEST_F(UnprovenReader, writes_as_much_as_anybody) {
    const std::string much(8192, 'w');
    const auto ok = succeed<Write>({.file = file_, .count = 8192, .data = data_of(much)});
    EXPECT_EQ(ok.count, 8192U);
    EXPECT_EQ(succeed<FileSystemInfo>({root()}).read_max, 32768U);
}

TEST_F(ReadTest, of_holes_gives_zeros) {
    succeed<Write>({.file = file_, .offset = 100, .count = 1, .data = data_of("x")});
    EXPECT_EQ(read(10, 90).data, std::string(90, '\0'));
}

TEST_F(ReadTest, beyond_4_gib) {
    constexpr std::uint64_t far = (std::uint64_t{5} << 30) + 7;
    succeed<Write>({.file = file_, .offset = far, .count = 4, .data = data_of("text")});
    EXPECT_EQ(read(far, 100), (Seen{"text", true}));
    EXPECT_EQ(read(far - 2, 3), (Seen{std::string("\0\0t", 3), false}));
}

TEST_F(ReadTest, of_what_is_no_file_is_invalid) {
    for (const auto& other : make_others(root())) {
        const auto fail = refuse<Read>(Status::invalid, {.file = other, .count = 10});
        ASSERT_TRUE(fail.attributes);
        EXPECT_NE(fail.attributes->type, FileType::regular);
    }
}

TEST_F(ReadTest, of_nothing_needs_permission_too) {
    const auto secret = make_file(root(), "secret", "text", 0600);
    const auto now = attributes(secret);
    become(1000, 1000);
    for (const std::uint32_t count : {0U, 1U, 100U}) {
        const auto fail = refuse<Read>(Status::access, {.file = secret, .count = count});
        ASSERT_TRUE(fail.attributes);
        EXPECT_EQ(fail.attributes->changed, now.changed);
    }
    refuse<Read>(Status::access, {.file = secret, .offset = 1000, .count = 1});
}

TEST_F(ReadTest, shows_attributes_from_before_the_data) {
    // A client that got new attributes with old data would keep the data for ever.
    const auto before = attributes(file_);
    before_next(Operation::read,
                [&] { ASSERT_TRUE(inner(file_)->write(local_root, 10, data_of("and more"))); });
    const auto ok = succeed<Read>({.file = file_, .count = 100});
    ASSERT_TRUE(ok.attributes);
    EXPECT_EQ(*ok.attributes, before);
    EXPECT_EQ(text_of(ok.data.bytes()), "0123456789");
}

TEST_F(ReadTest, of_a_file_cut_meanwhile_ends_where_it_ends) {
    before_next(Operation::read,
                [&] { ASSERT_TRUE(inner(file_)->set_attributes(local_root, {.size = 4})); });
    EXPECT_EQ(read(0, 8), (Seen{"0123", true}));
}

TEST_F(ReadTest, of_a_file_cut_and_grown_meanwhile_ends_nowhere_but_at_its_end) {
    before_next(Operation::read, [&] {
        ASSERT_TRUE(inner(file_)->set_attributes(local_root, {.size = 4}));
        ASSERT_TRUE(inner(file_)->write(local_root, 4, data_of("and more")));
    });
    EXPECT_EQ(read(0, 8), (Seen{"0123and ", false}));
}

TEST_F(ReadTest, ends_for_a_bad_sector_but_says_no_end) {
    // What lies beyond an end clients take for zeros.
    const auto reads = [](auto operation) { return operation == Operation::read; };
    files_->inject({.read_bytes_max = 4, .applies = reads});
    EXPECT_EQ(read(0, 100), (Seen{"0123", false}));
    files_->inject({.applies = reads});
    refuse<Read>(Status::io, {.file = file_, .offset = 4, .count = 96});
}

TEST_F(ReadTest, fails_with_attributes) {
    fail_all(Operation::read);
    const auto fail = refuse<Read>(Status::io, {.file = file_, .count = 10});
    ASSERT_TRUE(fail.attributes);
    EXPECT_EQ(fail.attributes->size, 10U);
}

}  // namespace
}  // namespace berth::nfs
