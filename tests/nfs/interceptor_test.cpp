// What an interceptor sees of calls of this program, and how it changes their results.
#include "rpc/interceptor.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

class Liar final : public rpc::Interceptor {
public:
    rpc::Decision before(const rpc::Intercepted& call) override {
        rpc::with_arguments<Lookup>(call, program, [&](const Lookup::Args& args) {
            names.emplace_back(args.what.name.view());
        });
        return rpc::Decision::go_on();
    }
    void after(const rpc::Intercepted& call, rpc::Ending, rpc::Reply& reply) override {
        statuses.push_back(reply.status());
        rpc::change_result<GetAttributes>(call, reply, program, [&](GetAttributes::Result& result) {
            if (auto* told = result.get_if<Status::ok>()) told->attributes.size += 1000;
        });
    }

    std::vector<std::string> names;
    std::vector<std::optional<std::uint32_t>> statuses;
};

class InterceptedTest : public ServiceTest {
protected:
    InterceptedTest() { dispatcher_.intercept(liar); }

    std::shared_ptr<Liar> liar = std::make_shared<Liar>();
};

TEST_F(InterceptedTest, sees_names_and_status_words_and_changes_attributes) {
    const auto file = make_file(root(), "file", "contents");
    liar->statuses.clear();
    EXPECT_EQ(attributes(file).size, 1008U);
    refuse<Lookup>(Status::no_entry, {entry(root(), "absent")});
    EXPECT_EQ(liar->statuses, (std::vector<std::optional<std::uint32_t>>{0, 2}));
    EXPECT_EQ(liar->names, std::vector<std::string>{"absent"});
}

}  // namespace
}  // namespace berth::nfs
