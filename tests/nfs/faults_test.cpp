// The n-th operation of the file system fails, for every n of every procedure that changes
// something: the reply says what was done, shows true attributes, and the server goes on.
#include <functional>

#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using namespace std::string_view_literals;

struct Answer {
    Status status = Status::ok;
    std::vector<Wcc> wccs;
};

/// One changing call in a directory of its own.
struct Change {
    std::function<Answer()> call;
    /// What the wcc data in the answer is about, in its order.
    std::vector<KeptHandle> objects;
    std::function<bool()> is_done;
    /// COMMIT changes nothing itself, so it claims no "before".
    bool shows_before = true;
};

/// Every wcc data that a result holds. Both arms of these procedures hold the same.
template <class Arm>
std::vector<Wcc> wccs_of(const Arm& arm) {
    if constexpr (requires { arm.from_directory; }) {
        return {arm.from_directory, arm.to_directory};
    } else if constexpr (requires { arm.directory; }) {
        return {arm.directory};
    } else if constexpr (requires { arm.object; }) {
        return {arm.object};
    } else {
        return {arm.file};
    }
}

class Faults : public ServiceTest {
protected:
    using Prepare = std::function<Change(const KeptHandle& directory)>;

    template <class Procedure>
    Answer answer(const typename Procedure::Args& args) {
        const auto result = call<Procedure>(args);
        const auto* ok = result.ok();
        return {result.status(), ok != nullptr ? wccs_of(*ok) : wccs_of(*result.fail())};
    }

    /// A call that makes an entry `new`.
    template <class Procedure>
    Prepare making(std::function<typename Procedure::Args(const Entry&)> args) {
        return [this, args](const KeptHandle& directory) -> Change {
            return {.call = [=, this] { return answer<Procedure>(args(entry(directory, "new"))); },
                    .objects = {directory},
                    .is_done = [=, this] { return exists(directory, "new"); }};
        };
    }

    Prepare creating(const Create::How& how) {
        return making<Create>([how](const Entry& where) { return Create::Args{where, how}; });
    }

    Prepare writing(Stable stable) {
        return [=, this](const KeptHandle& directory) -> Change {
            const auto file = make_file(directory, "file", "text");
            return {
                .call =
                    [=, this] {
                        return answer<Write>(
                            {.file = file, .count = 4, .stable = stable, .data = data_of("data")});
                    },
                .objects = {file},
                .is_done = [=, this] { return contents(file) == "data"; }};
        };
    }

    void expect_truth(const Prepare& prepare) {
        for (const bool after_success : {false, true}) {
            std::uint64_t nth = 1;
            while (fails_truthfully(prepare, nth, after_success)) {
                ASSERT_FALSE(HasFailure())
                    << "operation " << nth << (after_success ? ", carried out all the same" : "");
                ++nth;
            }
            // Whatever changes something needs at least two operations: finding and changing.
            EXPECT_GT(nth, 2U);
            ASSERT_FALSE(HasFailure()) << "without a fault";
        }
    }

private:
    /// False when the call needs no n-th operation.
    bool fails_truthfully(const Prepare& prepare, std::uint64_t nth, bool after_success) {
        const auto directory = make_directory(root(), std::to_string(++count_), 0777);
        const auto change = prepare(directory);
        std::vector<Attributes> before;
        for (const auto& object : change.objects) before.push_back(attributes(object));
        const auto failures = files_->failures();

        files_->inject({.nth = nth, .after_success = after_success});
        const auto answer = change.call();
        files_->clear();

        std::vector<Attributes> now;
        for (const auto& object : change.objects) now.push_back(attributes(object));
        const bool has_failed = files_->failures() != failures;
        const bool is_done = change.is_done();
        EXPECT_TRUE(answer.status == Status::ok || (has_failed && answer.status == Status::io))
            << "status " << static_cast<std::uint32_t>(answer.status);
        EXPECT_TRUE(is_done || answer.status != Status::ok);
        EXPECT_EQ(answer.wccs.size(), change.objects.size());
        for (std::size_t i = 0; i < answer.wccs.size(); ++i) {
            const auto& wcc = answer.wccs[i];
            expect_true(wcc, before.at(i), now.at(i));
            EXPECT_TRUE(has_failed || (wcc.after && (wcc.before || !change.shows_before)));
        }
        // No lock was left behind.
        make_file(directory, "afterwards");
        return has_failed;
    }

    static void expect_true(const Wcc& wcc, const Attributes& before, const Attributes& now) {
        if (wcc.before) {
            EXPECT_EQ(wcc.before->changed, before.changed);
            EXPECT_EQ(wcc.before->modified, before.modified);
            EXPECT_EQ(wcc.before->size, before.size);
        }
        if (wcc.after) {
            EXPECT_EQ(*wcc.after, now);
        }
    }

    int count_ = 0;
};

TEST_F(Faults, in_set_attributes) {
    expect_truth([&](const KeptHandle& directory) -> Change {
        const auto file = make_file(directory, "file", "text");
        SetAttributes::Args args{.object = file};
        args.attributes.size = 2U;
        args.attributes.mode = 0600U;
        return {.call =
                    [=, this] {
                        auto mine = args;
                        mine.object = file;
                        return answer<SetAttributes>(mine);
                    },
                .objects = {file},
                .is_done = [=, this] { return attributes(file).size == 2; }};
    });
}

TEST_F(Faults, in_an_unstable_write) {
    expect_truth(writing(Stable::unstable));
}
TEST_F(Faults, in_a_stable_write) {
    expect_truth(writing(Stable::file_sync));
}

TEST_F(Faults, in_commit) {
    expect_truth([&](const KeptHandle& directory) -> Change {
        const auto file = make_file(directory, "file", "text");
        const auto syncs = files_->calls(vfs::faulty::Operation::sync);
        return {
            .call = [=, this] { return answer<Commit>({.file = file}); },
            .objects = {file},
            .is_done = [=, this] { return files_->calls(vfs::faulty::Operation::sync) > syncs; },
            .shows_before = false};
    });
}

TEST_F(Faults, in_an_unchecked_create) {
    expect_truth(creating(Create::How::make<CreateMode::unchecked>(NewAttributes{})));
}
TEST_F(Faults, in_a_guarded_create) {
    NewAttributes sized;
    sized.size = 100U;
    expect_truth(creating(Create::How::make<CreateMode::guarded>(sized)));
}
TEST_F(Faults, in_an_exclusive_create) {
    expect_truth(creating(Create::How::make<CreateMode::exclusive>(Verifier{})));
}

TEST_F(Faults, in_make_directory) {
    expect_truth(making<MakeDirectory>([](const Entry& where) {
        return MakeDirectory::Args{where, {}};
    }));
}

TEST_F(Faults, in_make_symbolic_link) {
    expect_truth(making<MakeSymbolicLink>([](const Entry& where) {
        return MakeSymbolicLink::Args{
            .where = where, .attributes = {}, .target = std::string_view{"target"}};
    }));
}

TEST_F(Faults, in_make_node) {
    expect_truth(making<MakeNode>([](const Entry& where) {
        return MakeNode::Args{.where = where, .what = MakeNode::What::make<FileType::fifo>()};
    }));
}

TEST_F(Faults, in_remove) {
    expect_truth([&](const KeptHandle& directory) -> Change {
        make_file(directory, "file", "text");
        return {.call = [=, this] { return answer<Remove>({entry(directory, "file")}); },
                .objects = {directory},
                .is_done = [=, this] { return !exists(directory, "file"); }};
    });
}

TEST_F(Faults, in_remove_directory) {
    expect_truth([&](const KeptHandle& directory) -> Change {
        make_directory(directory, "inner");
        return {.call = [=, this] { return answer<RemoveDirectory>({entry(directory, "inner")}); },
                .objects = {directory},
                .is_done = [=, this] { return !exists(directory, "inner"); }};
    });
}

TEST_F(Faults, in_rename_between_directories) {
    expect_truth([&](const KeptHandle& directory) -> Change {
        const auto from = make_directory(directory, "from", 0777);
        const auto to = make_directory(directory, "to", 0777);
        const auto moved = make_file(from, "old", "moved");
        make_file(to, "new", "replaced");
        return {.call =
                    [=, this] {
                        return answer<Rename>({entry(from, "old"), entry(to, "new")});
                    },
                .objects = {from, to},
                .is_done = [=, this] { return lookup(to, "new") == moved; }};
    });
}

TEST_F(Faults, in_rename_within_a_directory) {
    expect_truth([&](const KeptHandle& directory) -> Change {
        make_file(directory, "old", "text");
        return {.call =
                    [=, this] {
                        return answer<Rename>({entry(directory, "old"), entry(directory, "new")});
                    },
                .objects = {directory, directory},
                .is_done = [=, this] { return exists(directory, "new"); }};
    });
}

TEST_F(Faults, in_link) {
    expect_truth([&](const KeptHandle& directory) -> Change {
        const auto file = make_file(directory, "file", "text");
        return {.call =
                    [=, this] {
                        return answer<Link>({file, entry(directory, "new")});
                    },
                .objects = {directory},
                .is_done = [=, this] { return exists(directory, "new"); }};
    });
}

// A client told to try again later would be told then that the name is there, or that it is gone.
TEST_F(Faults, what_is_done_but_not_synced_is_not_to_be_done_again) {
    for (const auto error : {std::errc::too_many_files_open, std::errc::not_enough_memory,
                             std::errc::too_many_files_open_in_system}) {
        const auto directory = make_directory(root(), std::to_string(static_cast<int>(error)));
        const auto file = make_file(directory, "file");
        make_file(directory, "victim");
        const auto at = [&](std::string_view name) { return entry(directory, name); };
        fail_all(vfs::faulty::Operation::sync, error);
        refuse<Create>(Status::io, {.where = at("new")});
        refuse<MakeDirectory>(Status::io, {.where = at("directory")});
        refuse<Link>(Status::io, {file, at("link")});
        refuse<Rename>(Status::io, {at("link"), at("renamed")});
        refuse<Remove>(Status::io, {at("victim")});
        refuse<RemoveDirectory>(Status::io, {at("directory")});
        const Time changed = attributes(file).changed;
        refuse<SetAttributes>(Status::io,
                              {.object = file, .attributes = {.mode = 0600}, .guard = changed});
        files_->clear();
        EXPECT_EQ(attributes(file).mode, 0600U);
        EXPECT_TRUE(exists(directory, "new") && exists(directory, "renamed"));
        EXPECT_FALSE(exists(directory, "victim") || exists(directory, "directory"));
    }
}

}  // namespace
}  // namespace berth::nfs
