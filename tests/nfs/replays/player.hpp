// A client that changes a few directories at random and knows what each answer has to be, because
// nobody else changes them: a model of the tree stands beside it. Used by one thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include "nfs/protocol.hpp"
#include "rpc/client.hpp"
#include "tests/nfs/support.hpp"

namespace berth::nfs {

class Player {
public:
    /// The same object through another export or the same, so that calls take different ways.
    using Reseal = std::function<KeptHandle(const KeptHandle&, bool is_synchronous)>;

    /// Plays in new directories below `root`, whose names begin with `name`. The client outlives
    /// it.
    Player(rpc::Client& client, const KeptHandle& root, const std::string& name, std::uint64_t seed,
           Reseal reseal);

    /// One random change. Throws std::runtime_error when the answer is not the model's.
    void step();
    /// Throws std::runtime_error unless all is as the model has it.
    void verify();

    /// Changing calls that have been answered.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }

private:
    struct Object {
        FileType type = FileType::regular;
        KeptHandle handle;
        std::uint64_t fileid = 0;
        std::uint32_t links = 1;
        std::uint32_t mode = 0;
        std::string text;  // contents, or where a link points
    };
    using ObjectPtr = std::shared_ptr<Object>;
    struct Directory {
        KeptHandle handle;
        std::map<std::string, ObjectPtr> entries;
    };
    struct Place {
        Directory& directory;
        std::string name;

        [[nodiscard]] ObjectPtr object() const {
            const auto found = directory.entries.find(name);
            return found == directory.entries.end() ? nullptr : found->second;
        }
    };

    static void demand(bool is_so, const std::string& what) {
        if (!is_so) throw std::runtime_error{what};
    }

    template <class Procedure>
    typename Procedure::Result call(const typename Procedure::Args& args) {
        auto answer = client_.call<Procedure>(args);
        if (!answer)
            throw std::runtime_error{std::string{Procedure::id.name} + ": " +
                                     answer.error().text()};
        if (Procedure::id.replay == Replay::remember) ++changes_;
        return *std::move(answer);
    }
    /// Null after the failure that was due.
    template <class Procedure>
    std::optional<typename Procedure::Ok> expect(Status status,
                                                 const typename Procedure::Args& args) {
        const auto result = call<Procedure>(args);
        demand(result.status() == status,
               std::string{Procedure::id.name} + ": status " +
                   std::to_string(static_cast<std::uint32_t>(result.status())) + ", due was " +
                   std::to_string(static_cast<std::uint32_t>(status)));
        if (result.ok() == nullptr) return {};
        return *result.ok();
    }

    std::uint64_t below(std::uint64_t end) { return random_() % end; }
    Place any_place();
    /// Of this type; null when there is none.
    ObjectPtr any_object(FileType type);
    KeptHandle some_handle(const KeptHandle& handle) { return reseal_(handle, below(2) == 0); }

    void create();
    void make_directory();
    void make_link_to_a_name();
    void remove();
    void remove_directory();
    void rename();
    void link();
    void set_attributes();
    void append();
    void made(const Place& place, FileType type, const Created& created, std::string text = {});
    void verify(Directory& directory);

    rpc::Client& client_;
    std::mt19937_64 random_;
    Reseal reseal_;
    std::array<Directory, 3> directories_;
    std::uint64_t changes_ = 0;
};

}  // namespace berth::nfs
