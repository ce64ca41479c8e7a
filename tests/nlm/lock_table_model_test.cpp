// Random steps on the lock table and on one that is too simple to be wrong: they must agree on
// every answer, on who is served in which order, and on what is locked, in the table and on the
// file.
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include "tests/nlm/naive_table.hpp"
#include "tests/nlm/table_fixture.hpp"

namespace berth::nlm::test {
namespace {

constexpr int owners = 5;
/// Not of the table: a local process.
constexpr int local_owner = owners;

class LockTableModel : public LockTableTest {
protected:
    using Wanted = NaiveTable::Wanted;

    std::uint64_t below(std::uint64_t end) { return random() % end; }
    vfs::ByteRange some_range() {
        const auto a = below(NaiveTable::bytes);
        // Short ones leave room for many.
        const auto length = 1 + below(below(4) == 0 ? NaiveTable::bytes : 6);
        return {a, std::min(a + length, NaiveTable::bytes) - 1};
    }
    Wanted some_wanted() {
        const auto kind = below(2) == 0 ? vfs::LockKind::shared : vfs::LockKind::exclusive;
        return {.owner = static_cast<int>(below(owners)), .what = {some_range(), kind}};
    }
    /// One that waits, if there is one.
    Wanted some_waiting() {
        if (naive.waiting.empty()) return some_wanted();
        return *std::next(naive.waiting.begin(), static_cast<long>(below(naive.waiting.size())));
    }
    static Owner who(int number) { return owner(number); }

    void step() {
        switch (below(12)) {
        case 0:
        case 1:
        case 2: {
            const auto wanted = some_wanted();
            const bool expected = naive.try_lock(wanted);
            ASSERT_EQ(lock(who(wanted.owner), wanted.what),
                      expected ? Answer::granted : Answer::denied);
            if (expected) changed(wanted.owner, wanted.what.range);
            break;
        }
        case 3:
        case 4:
        case 5: {
            const auto wanted = below(4) == 0 ? some_waiting() : some_wanted();
            const bool expected = naive.lock_or_wait(wanted);
            ASSERT_EQ(lock_or_wait(who(wanted.owner), wanted.what),
                      expected ? Answer::granted : Answer::blocked);
            if (expected) changed(wanted.owner, wanted.what.range);
            break;
        }
        case 6:
        case 7: {
            const auto wanted = below(2) == 0 ? some_wanted() : some_waiting();
            naive.unlock(wanted.owner, wanted.what.range);
            unlock(who(wanted.owner), wanted.what.range);
            changed(wanted.owner, wanted.what.range);
            break;
        }
        case 8: {
            const auto wanted = some_waiting();
            const auto before = naive.waiting.size();
            naive.waiting.remove(wanted);
            ASSERT_EQ(table.cancel(request(who(wanted.owner), wanted.what)),
                      naive.waiting.size() != before);
            forget_grants(wanted.owner, wanted.what.range);
            break;
        }
        case 9: local_step(); break;
        case 10: answer_a_grant(); break;
        default: {
            if (below(8) != 0) break;
            const auto owner = static_cast<int>(below(owners));
            naive.free(owner);
            table.free([&](const Owner& which, const Taken&) { return which.host == host(owner); });
            std::erase_if(grants,
                          [&](const auto& known) { return known.naive.wanted.owner == owner; });
        }
        }
        if (!HasFatalFailure()) settle();
    }

    void local_step() {
        const auto wanted = some_wanted();
        if (below(2) == 0) {
            ASSERT_EQ(local->lock(wanted.what).value(), naive.try_lock({local_owner, wanted.what}));
        } else {
            ASSERT_TRUE(local->unlock(wanted.what.range));
            naive.unlock(local_owner, wanted.what.range);
        }
    }

    void answer_a_grant() {
        if (grants.empty()) return;
        const auto chosen = grants.begin() + static_cast<long>(below(grants.size()));
        const auto from = host(chosen->naive.wanted.owner).address;
        ASSERT_TRUE(table.is_pending(chosen->id));
        if (below(2) == 0) {
            table.acknowledge(chosen->id, from);
        } else {
            table.refuse(chosen->id, from);
            naive.restore(chosen->naive);
        }
        ASSERT_FALSE(table.is_pending(chosen->id));
        grants.erase(chosen);
    }

    /// The owner has spoken of the lock itself.
    void forget_grants(int owner, const vfs::ByteRange& range) {
        forget_if([&](const Known& known) {
            const auto& wanted = known.naive.wanted;
            return wanted.owner == owner && wanted.what.range == range;
        });
    }
    /// By a call.
    void changed(int owner, const vfs::ByteRange& range) {
        forget_grants(owner, range);
        change_grants(owner, range);
    }
    /// The owner has locked or unlocked the range.
    void change_grants(int owner, const vfs::ByteRange& range) {
        for (auto& known : grants) {
            if (known.naive.wanted.owner != owner) continue;
            for (auto byte = range.first; byte <= range.last; ++byte)
                known.naive.changed.at(byte) = true;
        }
        forget_if([&](const Known& known) {
            const auto& wanted = known.naive.wanted;
            return wanted.owner == owner && wanted.what.range.meets(range) && !naive.holds(wanted);
        });
    }
    template <class Condition>
    void forget_if(Condition condition) {
        std::erase_if(grants, [&](const Known& known) {
            if (!condition(known)) return false;
            forgotten.push_back(known.id);
            return true;
        });
    }

    /// Who waits is served by both, in the same order; then both hold the same.
    void settle() {
        table.retry();
        const auto expected = naive.serve();
        ASSERT_EQ(told.grants.size(), expected.size());
        for (std::size_t n = 0; n < expected.size(); ++n) {
            const auto& grant = told.grants[n];
            ASSERT_EQ(grant.request.owner, who(expected[n].wanted.owner));
            ASSERT_EQ(grant.request.wanted, expected[n].wanted.what);
        }
        for (std::size_t n = 0; n < expected.size(); ++n) {
            change_grants(expected[n].wanted.owner, expected[n].wanted.what.range);
            grants.push_back({told.grants[n].id, expected[n]});
        }
        for (const auto& known : grants) ASSERT_TRUE(table.is_pending(known.id));
        for (const auto id : std::exchange(forgotten, {})) ASSERT_FALSE(table.is_pending(id));
        told.grants.clear();
        compare();
    }

    void compare() {
        std::map<int, NaiveTable::Bytes> seen;
        std::size_t waiting = 0;
        for (const auto& shown : table.all()) {
            if (shown.what == LockTable::Shown::What::wait) {
                ++waiting;
                continue;
            }
            auto& bytes = seen[shown.owner.host.name.back() - '0'];
            for (auto byte = shown.range.range.first; byte <= shown.range.range.last; ++byte)
                bytes.at(byte) = shown.range.kind;
        }
        ASSERT_EQ(waiting, naive.waiting.size());
        for (int owner = 0; owner < owners; ++owner)
            ASSERT_EQ(seen[owner], naive.held[owner]) << "owner " << owner;
        // And on the file itself, as somebody sees it who has nothing there.
        const Wanted probe{-1, {some_range(), vfs::LockKind::exclusive}};
        const Wanted shared_probe{-1, {probe.what.range, vfs::LockKind::shared}};
        ASSERT_EQ(witness->obstacle_to(probe.what).value().has_value(), naive.is_excluded(probe));
        ASSERT_EQ(witness->obstacle_to(shared_probe.what).value().has_value(),
                  naive.is_excluded(shared_probe));
    }

    struct Known {
        std::uint64_t id;
        NaiveTable::Granted naive;
    };

    std::mt19937_64 random;
    NaiveTable naive;
    std::vector<Known> grants;
    std::vector<std::uint64_t> forgotten;
    std::unique_ptr<vfs::FileLocks> local = node("f")->open_locks({}).value();
    std::unique_ptr<vfs::FileLocks> witness = node("f")->open_locks({}).value();
};

TEST_F(LockTableModel, AgreesWithTheSimpleOne) {
    const char* given = std::getenv("BERTH_SEED");
    const auto seed = given != nullptr ? std::strtoul(given, nullptr, 0) : std::random_device{}();
    SCOPED_TRACE("BERTH_SEED=" + std::to_string(seed));
    random.seed(seed);
    for (int n = 0; n < 100'000; ++n) {
        step();
        ASSERT_FALSE(HasFatalFailure()) << "step " << n;
    }
    local.reset();
    table.retry();
    table.free([](const Owner&, const Taken&) { return true; });
    EXPECT_EQ(table.file_count(), 0U);
    EXPECT_TRUE(table.hosts().empty());
}

}  // namespace
}  // namespace berth::nlm::test
