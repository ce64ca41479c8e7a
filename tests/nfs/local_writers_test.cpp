// Others write to the exported files too, directly: whatever they change is in the very next reply,
// whichever it is and whatever was asked before.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "nfs/vfs/posix.hpp"
#include "tests/nfs/support.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::nfs {
namespace {

class LocalWriters : public ::testing::Test {
protected:
    LocalWriters() {
        dispatcher.add(rpc::make_program(program, service));
        const auto table = exports.pin();
        const auto& exported = table->all().front();
        root = sealer.seal(exported.id, (*exported.files->root())->id()).bytes();
    }

    [[nodiscard]] std::string path(const std::string& name = "file") const {
        return (directory.path() / name).string();
    }
    void write(const std::string& text, int flags = O_TRUNC, const std::string& name = "file") {
        const int file = ::open(path(name).c_str(), O_WRONLY | O_CREAT | flags, 0644);
        EXPECT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
        ::close(file);
    }
    [[nodiscard]] struct stat status() const {
        struct stat status {};
        EXPECT_EQ(::stat(path().c_str(), &status), 0);
        return status;
    }

    template <class Procedure>
    typename Procedure::Result call(const typename Procedure::Args& args) {
        auto answer = client.call<Procedure>(args);
        EXPECT_TRUE(answer) << Procedure::id.name;
        return answer ? *std::move(answer) : typename Procedure::Result{};
    }
    template <class Procedure>
    typename Procedure::Ok succeed(const typename Procedure::Args& args) {
        const auto result = call<Procedure>(args);
        EXPECT_EQ(result.status(), Status::ok) << Procedure::id.name;
        return result.ok() != nullptr ? *result.ok() : typename Procedure::Ok{};
    }
    KeptHandle lookup(const std::string& name = "file") {
        return succeed<Lookup>({entry(root, name)}).object;
    }

    /// A reply that shows the file's attributes, and its contents if it shows those too.
    struct Shown {
        PostOpAttributes attributes;
        std::optional<std::string> text;
    };
    struct Question {
        std::string name;
        std::function<Shown(const KeptHandle& file)> ask;
    };
    std::vector<Question> questions() {
        return {
            {"GETATTR",
             [this](const KeptHandle& file) -> Shown {
                 return {succeed<GetAttributes>({file}).attributes, {}};
             }},
            {"ACCESS",
             [this](const KeptHandle& file) -> Shown {
                 return {succeed<Access>({file, access_read}).attributes, {}};
             }},
            {"READ",
             [this](const KeptHandle& file) -> Shown {
                 const auto read = succeed<Read>({file, 0, 10'000});
                 EXPECT_TRUE(read.eof);
                 return {read.attributes, text_of(read.data.bytes())};
             }},
            {"LOOKUP",
             [this](const KeptHandle&) -> Shown {
                 return {succeed<Lookup>({entry(root, "file")}).attributes, {}};
             }},
            {"READDIRPLUS",
             [this](const KeptHandle&) -> Shown {
                 const auto listed = succeed<ReadDirectoryPlus>({root, 0, {}, 32768, 32768});
                 for (const auto& item : listed.entries.items)
                     if (item.name.view() == "file") return {item.attributes, {}};
                 return {};
             }},
            {"COMMIT",
             [this](const KeptHandle& file) -> Shown {
                 return {succeed<Commit>({file}).file.after, {}};
             }},
        };
    }

    void expect_true(const Shown& shown) {
        const auto now = status();
        ASSERT_TRUE(shown.attributes);
        const auto& seen = *shown.attributes;
        EXPECT_EQ(seen.size, static_cast<std::uint64_t>(now.st_size));
        EXPECT_EQ(seen.mode, now.st_mode & 07777U);
        EXPECT_EQ(seen.uid, now.st_uid);
        EXPECT_EQ(seen.links, now.st_nlink);
        EXPECT_EQ(seen.fileid, now.st_ino);
        EXPECT_EQ(seen.modified.seconds, static_cast<std::uint32_t>(now.st_mtim.tv_sec));
        EXPECT_EQ(seen.modified.nanoseconds, static_cast<std::uint32_t>(now.st_mtim.tv_nsec));
        EXPECT_EQ(seen.changed.seconds, static_cast<std::uint32_t>(now.st_ctim.tv_sec));
        EXPECT_EQ(seen.changed.nanoseconds, static_cast<std::uint32_t>(now.st_ctim.tv_nsec));
        if (!shown.text) return;
        std::string text(static_cast<std::size_t>(now.st_size), '\0');
        const int file = ::open(path().c_str(), O_RDONLY);
        EXPECT_EQ(::read(file, text.data(), text.size()), now.st_size);
        ::close(file);
        EXPECT_EQ(*shown.text, text);
    }

    test::TemporaryDirectory directory;
    exports::Exports exports{{exports::make_export(
        "/tree",
        std::shared_ptr<vfs::FileSystem>{vfs::posix::open(directory.path().string()).value()},
        {.squash = exports::Squash::none})}};
    exports::HandleSealer sealer{exports::HandleKey::random()};
    Service service{exports, sealer, {}};
    rpc::Dispatcher dispatcher;
    Loopback::Wire wire;
    rpc::Client client{std::make_unique<Loopback>(dispatcher, wire), program,
                       rpc::ClientIdentity{.flavor = rpc::AuthFlavor::sys}};
    KeptHandle root;
};

TEST_F(LocalWriters, WhatTheyDoToAFileIsInTheVeryNextReply) {
    const std::pair<const char*, std::function<void()>> changes[] = {
        {"append", [&] { write(" and more", O_APPEND); }},
        {"overwrite", [&] { write("TEXT", 0); }},
        {"cut", [&] { EXPECT_EQ(::truncate(path().c_str(), 2), 0); }},
        {"extend", [&] { EXPECT_EQ(::truncate(path().c_str(), 5000), 0); }},
        {"empty", [&] { write(""); }},
        {"chmod", [&] { EXPECT_EQ(::chmod(path().c_str(), 0604), 0); }},
        {"chown", [&] { EXPECT_EQ(::chown(path().c_str(), 1234, 5678), 0); }},
        {"link", [&] { boost::filesystem::create_hard_link(path(), path("other")); }},
        {"touch",
         [&] {
             const timespec times[2]{{.tv_sec = 5, .tv_nsec = 6}, {.tv_sec = 7, .tv_nsec = 8}};
             EXPECT_EQ(::utimensat(AT_FDCWD, path().c_str(), times, 0), 0);
         }},
    };
    for (const auto& [what, change] : changes) {
        for (const auto& question : questions()) {
            SCOPED_TRACE(std::string{what} + ", then " + question.name);
            write("text");
            const auto file = lookup();
            // Everything that is ever kept is kept now, descriptors to read and to write included.
            succeed<Write>(
                {.file = file, .count = 4, .stable = Stable::unstable, .data = data_of("text")});
            for (const auto& other : questions()) expect_true(other.ask(file));
            change();
            expect_true(question.ask(file));
            boost::filesystem::remove(path());
            boost::filesystem::remove(path("other"));
        }
    }
}

TEST_F(LocalWriters, TheSizeBeforeAWriteIsTheirs) {
    write("text");
    const auto file = lookup();
    const auto args = [&](std::uint64_t offset) {
        return Write::Args{.file = file,
                           .offset = offset,
                           .count = 4,
                           .stable = Stable::unstable,
                           .data = data_of("more")};
    };
    succeed<Write>(args(4));
    write("their words", O_APPEND);
    const auto written = succeed<Write>(args(19));
    ASSERT_TRUE(written.file.before && written.file.after);
    EXPECT_EQ(written.file.before->size, 19U);
    EXPECT_EQ(written.file.after->size, 23U);
    EXPECT_EQ(text_of(succeed<Read>({file, 0, 100}).data.bytes()), "textmoretheir wordsmore");
}

TEST_F(LocalWriters, WhatTheyRemoveIsGoneForEveryQuestion) {
    for (const auto& question : questions()) {
        SCOPED_TRACE(question.name);
        write("text");
        const auto file = lookup();
        for (const auto& other : questions()) expect_true(other.ask(file));
        boost::filesystem::remove(path());
        if (question.name == "LOOKUP") {
            EXPECT_EQ(call<Lookup>({entry(root, "file")}).status(), Status::no_entry);
        } else if (question.name == "READDIRPLUS") {
            EXPECT_FALSE(question.ask(file).attributes);
        } else if (question.name == "READ") {
            EXPECT_EQ(call<Read>({file, 0, 100}).status(), Status::stale);
        } else if (question.name == "ACCESS") {
            EXPECT_EQ(call<Access>({file, access_read}).status(), Status::stale);
        } else if (question.name == "COMMIT") {
            EXPECT_EQ(call<Commit>({file}).status(), Status::stale);
        } else {
            EXPECT_EQ(call<GetAttributes>({file}).status(), Status::stale);
        }
    }
}

TEST_F(LocalWriters, WhatTheyRenameHasItsNewNameAtOnce) {
    write("text");
    const auto file = lookup();
    boost::filesystem::rename(path(), path("renamed"));
    EXPECT_EQ(call<Lookup>({entry(root, "file")}).status(), Status::no_entry);
    EXPECT_EQ(lookup("renamed"), file);
    EXPECT_EQ(text_of(succeed<Read>({file, 0, 100}).data.bytes()), "text");

    write("new", O_TRUNC, "next");
    const auto next = lookup("next");
    boost::filesystem::rename(path("next"), path("renamed"));
    EXPECT_EQ(lookup("renamed"), next);
    EXPECT_EQ(call<Read>({file, 0, 100}).status(), Status::stale);
}

TEST_F(LocalWriters, ADirectoryTheyMoveTakesItsFilesAlong) {
    boost::filesystem::create_directories(path("from/inner"));
    boost::filesystem::create_directory(path("to"));
    write("text", O_TRUNC, "from/inner/file");
    const auto inner = KeptHandle{succeed<Lookup>({entry(lookup("from"), "inner")}).object};
    const auto file = KeptHandle{succeed<Lookup>({entry(inner, "file")}).object};
    boost::filesystem::rename(path("from/inner"), path("to/moved"));
    const auto to = lookup("to");
    EXPECT_EQ(KeptHandle{succeed<Lookup>({entry(to, "moved")}).object}, inner);
    EXPECT_EQ(KeptHandle{succeed<Lookup>({entry(inner, "..")}).object}, to);
    EXPECT_EQ(text_of(succeed<Read>({file, 0, 100}).data.bytes()), "text");
    write("other", O_TRUNC, "to/moved/file");
    EXPECT_EQ(text_of(succeed<Read>({file, 0, 100}).data.bytes()), "other");
}

}  // namespace
}  // namespace berth::nfs
