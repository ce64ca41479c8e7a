// SETATTR — RFC 1813 §3.3.2.
#include <limits>

#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

class SetAttributesTest : public ServiceTest {
protected:
    const KeptHandle file_ = make_file(root(), "file", "contents");

    static SetAttributes::Args set_size(const KeptHandle& object, std::uint64_t size) {
        SetAttributes::Args args{.object = object};
        args.attributes.size = size;
        return args;
    }
    static SetAttributes::Args set_mode(const KeptHandle& object, std::uint32_t mode) {
        SetAttributes::Args args{.object = object};
        args.attributes.mode = mode;
        return args;
    }
    static SetAttributes::Args set_times(const KeptHandle& object, const Time& accessed,
                                         const Time& modified) {
        SetAttributes::Args args{.object = object};
        args.attributes.accessed = NewTime::make<TimeHow::client_time>(accessed);
        args.attributes.modified = NewTime::make<TimeHow::client_time>(modified);
        return args;
    }
    static SetAttributes::Args touch(const KeptHandle& object) {
        SetAttributes::Args args{.object = object};
        args.attributes.accessed = NewTime::make<TimeHow::server_time>();
        args.attributes.modified = NewTime::make<TimeHow::server_time>();
        return args;
    }
};

TEST_F(SetAttributesTest, of_nothing_changes_nothing) {
    const auto before = attributes(file_);
    const auto ok = succeed<SetAttributes>({.object = file_});
    expect_wcc(ok.object, before);
    const auto after = attributes(file_);
    EXPECT_EQ(after.mode, before.mode);
    EXPECT_EQ(after.modified, before.modified);
}

TEST_F(SetAttributesTest, changes_what_is_asked) {
    const auto before = attributes(file_);
    SetAttributes::Args args{.object = file_};
    args.attributes.mode = 0107751U;
    args.attributes.uid = 1000U;
    args.attributes.gid = 1001U;
    args.attributes.size = 3U;
    args.attributes.accessed = NewTime::make<TimeHow::client_time>({1, 2});
    args.attributes.modified = NewTime::make<TimeHow::client_time>({0xFFFFFFFF, 999'999'999});
    const auto ok = succeed<SetAttributes>(args);
    expect_wcc(ok.object, before);
    const auto after = attributes(file_);
    EXPECT_EQ(*ok.object.after, after);
    EXPECT_EQ(after.mode, 07751U) << "asked after the owner was changed";
    EXPECT_EQ(after.uid, 1000U);
    EXPECT_EQ(after.gid, 1001U);
    EXPECT_EQ(after.size, 3U);
    EXPECT_EQ(after.accessed, (Time{1, 2}));
    EXPECT_EQ(after.modified, (Time{0xFFFFFFFF, 999'999'999}));
    EXPECT_FALSE(after.changed == before.changed);
    EXPECT_EQ(contents(file_), "con");
}

TEST_F(SetAttributesTest, extends) {
    succeed<SetAttributes>(set_size(file_, 10));
    EXPECT_EQ(contents(file_), std::string("contents\0\0", 10));
    succeed<SetAttributes>(set_size(file_, std::uint64_t{5} << 30));
    EXPECT_EQ(attributes(file_).size, std::uint64_t{5} << 30);
}

TEST_F(SetAttributesTest, refuses_sizes_that_cannot_be) {
    const auto before = attributes(file_);
    expect_unchanged(
        refuse<SetAttributes>(Status::file_too_big, set_size(file_, std::uint64_t{1} << 63)).object,
        before);
    refuse<SetAttributes>(Status::file_too_big, set_size(file_, ~std::uint64_t{0}));
    EXPECT_EQ(attributes(file_), before);
}

TEST_F(SetAttributesTest, of_size_is_for_files) {
    const auto others = make_others(root());
    refuse<SetAttributes>(Status::is_directory, set_size(others.front(), 0));
    for (auto other = others.begin() + 1; other != others.end(); ++other)
        refuse<SetAttributes>(Status::invalid, set_size(*other, 0));
}

TEST_F(SetAttributesTest, refuses_impossible_nanoseconds) {
    const auto before = attributes(file_);
    const auto fail =
        refuse<SetAttributes>(Status::invalid, set_times(file_, {1, 1'000'000'000}, {1, 0}));
    expect_unchanged(fail.object, before);
    refuse<SetAttributes>(Status::invalid, set_times(file_, {1, 0}, {1, 0xFFFFFFFF}));
    EXPECT_EQ(attributes(file_), before);
}

// As for chown(2) and knfsd: some clients send the owner that is none for the one that they don't
// mean.
TEST_F(SetAttributesTest, leaves_the_owner_that_is_none) {
    SetAttributes::Args args{.object = file_};
    args.attributes.uid = 0xFFFFFFFFU;
    args.attributes.gid = 1001U;
    succeed<SetAttributes>(args);
    EXPECT_EQ(attributes(file_).uid, 0U);
    EXPECT_EQ(attributes(file_).gid, 1001U);
    args.attributes.uid = 1000U;
    args.attributes.gid = 0xFFFFFFFFU;
    args.attributes.mode = 0600U;
    succeed<SetAttributes>(args);
    EXPECT_EQ(attributes(file_).uid, 1000U);
    EXPECT_EQ(attributes(file_).gid, 1001U);
    EXPECT_EQ(attributes(file_).mode, 0600U);
}

TEST_F(SetAttributesTest, is_guarded_by_the_whole_time_of_change) {
    const auto before = attributes(file_);
    auto args = set_mode(file_, 0600);
    for (const Time& wrong :
         {Time{before.changed.seconds, before.changed.nanoseconds ^ 1},
          Time{before.changed.seconds + 1, before.changed.nanoseconds}, Time{0, 0}}) {
        args.guard = wrong;
        expect_unchanged(refuse<SetAttributes>(Status::not_sync, args).object, before);
    }
    EXPECT_EQ(attributes(file_), before);
    args.guard = before.changed;
    expect_wcc(succeed<SetAttributes>(args).object, before);
    EXPECT_EQ(attributes(file_).mode, 0600U);
    refuse<SetAttributes>(Status::not_sync, args);
}

TEST_F(SetAttributesTest, guarded_by_what_cannot_be_read_fails) {
    auto args = set_mode(file_, 0600);
    args.guard = attributes(file_).changed;
    fail_all(vfs::faulty::Operation::attributes);
    refuse<SetAttributes>(Status::io, args);
    files_->clear();
    EXPECT_EQ(attributes(file_).mode, 0644U);
}

TEST_F(SetAttributesTest, by_others_is_refused_by_its_own_rule) {
    const auto open = make_file(root(), "open", "", 0666);
    become(1000, 1000);
    refuse<SetAttributes>(Status::not_owner, set_mode(file_, 0666));
    SetAttributes::Args give{.object = file_};
    give.attributes.uid = 1000U;
    refuse<SetAttributes>(Status::not_owner, give);
    refuse<SetAttributes>(Status::access, set_size(file_, 0));
    refuse<SetAttributes>(Status::access, touch(file_));
    refuse<SetAttributes>(Status::not_owner, set_times(open, {1, 0}, {1, 0}));
    succeed<SetAttributes>(touch(open));
    succeed<SetAttributes>(set_size(open, 5));
}

TEST_F(SetAttributesTest, of_a_link_is_of_the_link) {
    const auto link = make_link(root(), "link", "file");
    const auto before = attributes(file_);
    succeed<SetAttributes>(set_times(link, {1, 1}, {2, 2}));
    SetAttributes::Args give{.object = link};
    give.attributes.uid = 1000U;
    succeed<SetAttributes>(give);
    succeed<SetAttributes>(set_mode(link, 0600));
    EXPECT_EQ(attributes(file_), before);
    EXPECT_EQ(attributes(link).modified, (Time{2, 2}));
    EXPECT_EQ(attributes(link).uid, 1000U);
}

TEST_F(SetAttributesTest, truncation_by_another_clears_set_user_id) {
    const auto program = make_file(root(), "program", "text", 04777);
    become(1000, 1000);
    succeed<SetAttributes>(set_size(program, 0));
    EXPECT_EQ(attributes(program).mode, 0777U);
}

TEST_F(SetAttributesTest, is_durable_unless_the_export_is_async) {
    EXPECT_EQ(syncs([&] { succeed<SetAttributes>(set_mode(file_, 0600)); }), 1U);
    EXPECT_EQ(syncs([&] { succeed<SetAttributes>(set_mode(through("/async", file_), 0644)); }), 0U);
}

TEST_F(SetAttributesTest, each_change_has_its_own_time) {
    auto last = attributes(file_).changed;
    for (int i = 0; i < 100; ++i) {
        const auto ok = succeed<SetAttributes>(set_mode(file_, i % 2 == 0 ? 0600 : 0644));
        EXPECT_EQ(ok.object.before->changed, last);
        EXPECT_FALSE(ok.object.after->changed == last);
        last = ok.object.after->changed;
    }
}

}  // namespace
}  // namespace berth::nfs
