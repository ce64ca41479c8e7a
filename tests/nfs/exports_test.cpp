// What clients may do differs by who they are, where they call from, and what is exported now.
#include "tests/nfs/every_procedure.hpp"

namespace berth::nfs {
namespace {

class ExportedTo : public ServiceTest {
protected:
    ExportedTo() : directory_(make_directory(root(), "open", 0777)) {
        file_ = make_file(directory_, "file", "text", 0666);
    }

    /// From now on /tree is exported to these clients, as exports(5) writes it.
    void export_to(const std::string& clients) { export_all("/tree " + clients); }
    void export_all(const std::string& text) {
        const auto list = exports::parse_exports(text, "exports");
        for (const auto& problem : list.problems) ADD_FAILURE() << problem.text();
        std::vector<exports::Export> exports;
        for (const auto& listed : list.exports)
            exports.push_back(
                exports::make_export(listed.path, files_, listed.clients, listed.fsid));
        exports_.replace(std::move(exports));
    }
    void call_from(const char* address, std::uint16_t port = 800) {
        wire_.caller = {.address = *rpc::Address::parse(address), .port = port};
    }
    Write::Args writing() { return {.file = file_, .count = 4, .data = data_of("more")}; }

    KeptHandle directory_;
    KeptHandle file_;
};

TEST_F(ExportedTo, one_client_for_reading_and_to_another_for_writing) {
    export_to("192.0.2.7(rw) 192.0.2.0/24(ro)");
    succeed<Write>(writing());
    call_from("192.0.2.8");
    EXPECT_EQ(contents(file_), "more");
    refuse<Write>(Status::read_only, writing());
    refuse<Remove>(Status::read_only, {entry(directory_, "file")});
    EXPECT_EQ(succeed<Access>({file_, 0x3F}).access, access_read);
    call_from("192.0.2.7");
    succeed<Write>(writing());
}

TEST_F(ExportedTo, one_client_squashed_and_to_another_not) {
    export_to("192.0.2.7(rw,no_root_squash) *(rw,anonuid=77,anongid=78)");
    make_file(directory_, "of root");
    EXPECT_EQ(attributes(lookup(directory_, "of root")).uid, 0U);
    call_from("2001:db8::1");
    make_file(directory_, "of nobody");
    EXPECT_EQ(attributes(lookup(directory_, "of nobody")).uid, 77U);
    EXPECT_EQ(attributes(lookup(directory_, "of nobody")).gid, 78U);
}

TEST_F(ExportedTo, nobody_else_by_any_procedure) {
    export_to("192.0.2.0/24(rw)");
    call_from("198.51.100.1");
    with_every_procedure(directory_, [&]<class Procedure>(const typename Procedure::Args& args) {
        refuse<Procedure>(Status::access, args);
    });
    call_from("192.0.2.200");
    EXPECT_EQ(contents(file_), "text");
}

TEST_F(ExportedTo, callers_at_low_ports_unless_it_says_insecure) {
    export_to("192.0.2.7(rw) 192.0.2.8(rw,insecure)");
    call_from("192.0.2.7", 1023);
    succeed<Write>(writing());
    call_from("192.0.2.7", 1024);
    refuse<Read>(Status::not_owner, {.file = file_, .count = 4});
    EXPECT_EQ(accepts(0, {}), rpc::AcceptStatus::success) << "NULL is for everybody";
    call_from("192.0.2.8", 50000);
    succeed<Write>(writing());
}

TEST_F(ExportedTo, callers_with_a_user_only_or_as_nobody) {
    export_to("192.0.2.7(rw,sec=sys,no_root_squash)");
    succeed<Write>(writing());
    become_nobody_known();
    refuse<Read>(Status::access, {.file = file_, .count = 4});
    export_to("192.0.2.7(rw,sec=none,no_root_squash,anonuid=55)");
    make_file(directory_, "without a user");
    become_root();
    make_file(directory_, "with a user");
    for (const auto* name : {"without a user", "with a user"})
        EXPECT_EQ(attributes(lookup(directory_, name)).uid, 55U) << name;
    export_to("192.0.2.7(sec=sys,rw,sec=none,ro)");
    succeed<Write>(writing());
    become_nobody_known();
    refuse<Write>(Status::read_only, writing());
}

TEST_F(ExportedTo, clients_that_list_without_attributes) {
    export_to("192.0.2.7(nordirplus)");
    refuse<ReadDirectoryPlus>(Status::not_supported, {.directory = directory_, .count_max = 8192});
    succeed<ReadDirectory>({.directory = directory_, .count = 8192});
}

TEST_F(ExportedTo, clients_by_name_asks_on_a_worker_and_says_later) {
    export_to("*.lab.example(rw) *(ro)");
    const auto before = wire_.on_workers;
    refuse<Read>(Status::jukebox, {.file = file_, .count = 4});
    EXPECT_EQ(wire_.on_workers, before + 1) << "no network thread waits for a name server";
    refuse<Remove>(Status::jukebox, {entry(directory_, "file")});
    export_to("*.lab.example(rw) 192.0.2.0/24(ro)");
    EXPECT_EQ(contents(file_), "text") << "the entry with its network is more specific";
}

TEST_F(ExportedTo, nobody_any_more_is_stale_until_it_is_again) {
    export_all("/tree *(rw,insecure)\n/other *(rw)");
    EXPECT_EQ(contents(file_), "text");
    const auto handle = lookup(directory_, "file");
    export_all("/other *(rw)");
    refuse<GetAttributes>(Status::stale, {file_});
    refuse<Write>(Status::stale, writing());
    export_all("/more *\n/tree *(rw,insecure)");
    EXPECT_EQ(contents(file_), "text");
    EXPECT_EQ(lookup(directory_, "file"), handle) << "an export keeps its handles";
}

TEST_F(ExportedTo, others_under_one_fsid_keeps_handles_when_the_path_changes) {
    export_all("/tree *(rw,fsid=7)");
    file_ = through("/tree", file_);
    EXPECT_EQ(attributes(file_).fsid, 7U);
    export_all("/moved *(rw,fsid=7)");
    EXPECT_EQ(contents(file_), "text");
}

TEST_F(ExportedTo, renames_between_exports_of_one_tree_are_across_devices) {
    export_all("/tree *(rw,no_root_squash)\n/again *(rw,no_root_squash)");
    const auto elsewhere = through("/again", directory_);
    refuse<Rename>(Status::cross_device,
                   {.from = entry(directory_, "file"), .to = entry(elsewhere, "new")});
    succeed<Rename>({.from = entry(directory_, "file"), .to = entry(directory_, "new")});
}

}  // namespace
}  // namespace berth::nfs
