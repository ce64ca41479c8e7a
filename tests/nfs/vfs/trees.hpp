// Every file system that has to keep the contract, empty and ready; and who acts on them.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::test {

/// An exported tree and what it stands on. Its root belongs to root and is open to all.
class Tree {
public:
    Tree() = default;
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    virtual ~Tree() = default;
    [[nodiscard]] virtual FileSystem& files() = 0;
};

struct Implementation {
    std::string name;
    std::function<std::unique_ptr<Tree>()> make;
};
void PrintTo(const Implementation& implementation, std::ostream* out);

std::unique_ptr<Tree> make_memory();
/// A real directory, below the one for temporary files.
std::unique_ptr<Tree> make_posix();

std::vector<Implementation> implementations();

/// Somebody with an id of their own, in the groups given.
class Person {
public:
    Person(std::string name, uid_t uid, gid_t gid, std::vector<gid_t> groups = {})
        : name_(std::move(name)),
          uid_(uid),
          gid_(gid),
          groups_(std::move(groups)) {}

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] uid_t uid() const { return uid_; }
    [[nodiscard]] gid_t gid() const { return gid_; }
    operator Caller() const {
        return {.identity = {.uid = uid_, .gid = gid_, .groups = groups_},
                .patience = Patience::ample};
    }

private:
    std::string name_;
    uid_t uid_;
    gid_t gid_;
    std::vector<gid_t> groups_;
};

inline const Person root_user{"root", 0, 0};
inline const Person alice{"alice", 1000, 1000, {2000}};
/// Of alice's group, by a supplementary one.
inline const Person bob{"bob", 1001, 1001, {500, 1000, 2001}};
inline const Person stranger{"stranger", 4000, 4000, {4001}};

/// How an operation went, in words when an expectation fails.
struct Outcome {
    std::errc error{};
    Outcome() = default;
    Outcome(std::errc failed) : error(failed) {}
    bool operator==(const Outcome&) const = default;
};
inline const Outcome success;

std::string to_string(const Outcome& outcome);
void PrintTo(const Outcome& outcome, std::ostream* out);

template <class T>
Outcome outcome_of(const Result<T>& result) {
    return result ? Outcome{} : Outcome{result.error()};
}

}  // namespace berth::vfs::test
