// Callers have the groups that the server says, and network threads do not wait for that.
#include "tests/nfs/every_procedure.hpp"
#include "tests/support/known_groups.hpp"

namespace berth::nfs {
namespace {

struct Groups {
    test::KnownGroups directory{{{1000, {4711}}}};
    exports::UserGroups users{directory, {.patience = test::patience}};
};

class ManagedGroups : public Groups, public ServiceTest {
protected:
    ManagedGroups() : ServiceTest({}, {}, &users) {
        directory_ = make_directory(root(), "open", 0777);
        for (const gid_t group : {4711U, 4712U}) {
            const auto file = make_file(directory_, std::to_string(group), "text", 0640);
            SetAttributes::Args to_group{.object = file};
            to_group.attributes.gid = group;
            succeed<SetAttributes>(to_group);
        }
        become(1000, 1000, {4712});
    }

    Read::Args reading(std::string_view name) {
        file_ = lookup(directory_, name);
        return {.file = file_, .count = 4};
    }

private:
    KeptHandle directory_;
    KeptHandle file_;
};

TEST_F(ManagedGroups, are_the_servers) {
    succeed<Read>(reading("4711"));
    refuse<Read>(Status::access, reading("4712"));
}

TEST_F(ManagedGroups, are_the_calls_where_the_server_does_not_know_the_user) {
    become(1001, 1001, {4712});
    succeed<Read>(reading("4712"));
    refuse<Read>(Status::access, reading("4711"));
}

TEST_F(ManagedGroups, are_asked_for_on_a_worker_once) {
    const auto before = wire_.on_workers;
    const auto args = reading("4711");
    EXPECT_EQ(wire_.on_workers, before + 1);
    succeed<Read>(args);
    succeed<GetAttributes>({args.file});
    EXPECT_EQ(wire_.on_workers, before + 1);
}

TEST_F(ManagedGroups, are_worth_trying_later_while_nobody_can_be_asked) {
    const auto args = reading("4711");
    directory.is_silent = true;
    become(1002, 1002, {4711});
    refuse<GetAttributes>(Status::jukebox, {args.file});
    become(1000, 1000);
    succeed<GetAttributes>({args.file});
}

}  // namespace
}  // namespace berth::nfs
