#include "nfs/vfs/posix/remembered_names.hpp"

#include <utility>
#include <vector>

#include <fcntl.h>

#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs::posix {
namespace {

// Deeper than any tree that is of use; a longer chain is a loop.
constexpr std::size_t levels_max = 100'000;

}  // namespace

RememberedNames::RememberedNames(int root, const ObjectId& root_id, IsId is_id,
                                 OpenEntry open_entry, IsObject is_object,
                                 std::unique_ptr<NameStore> store, std::string reason)
    : root_(root),
      root_id_(root_id),
      is_id_(std::move(is_id)),
      open_entry_(std::move(open_entry)),
      is_object_(std::move(is_object)),
      store_(std::move(store)),
      reason_(std::move(reason)) {}

Result<Descriptor> RememberedNames::open(const ObjectId& id) {
    if (!is_id_(id)) return std::errc::invalid_argument;
    std::vector<std::pair<ObjectId, Place>> way;  // from the object up to the root
    for (ObjectId wanted = id; !(wanted == root_id_); wanted = way.back().second.directory) {
        auto place = store_->find(wanted);
        if (!place || way.size() == levels_max) return stale;
        way.emplace_back(wanted, std::move(*place));
    }
    auto reached = reopen(root_, O_PATH | O_DIRECTORY);
    for (; reached && !way.empty(); way.pop_back()) {
        reached = open_verified(reached->number(), way.back().first, way.back().second);
    }
    return reached;
}

Result<Descriptor> RememberedNames::open_verified(int directory, const ObjectId& id,
                                                  const Place& place) {
    auto opened = open_entry_(directory, place.name.c_str());
    if (opened) {
        auto found = is_object_(opened->number(), id, place);
        if (found && *found) return opened;
    } else if (opened.error() != std::errc::no_such_file_or_directory) {
        return opened.error();  // a trouble of the moment; the name may be good again later
    }
    store_->erase(id, place.directory, place.name);
    return stale;
}

std::optional<ObjectId> RememberedNames::directory_of(const ObjectId& id) {
    auto place = store_->find(id);
    if (!place) return std::nullopt;
    return place->directory;
}

Result<void> RememberedNames::seen(const ObjectId& id, const ObjectId& directory,
                                   std::string_view name, Wait wait) {
    if (id == root_id_ || id == directory) return {};  // "." leads nowhere
    if (wait == Wait::yes) {
        store_->put(id, directory, name);
    } else if (!store_->put_at_once(id, directory, name)) {
        return would_block;
    }
    return {};
}

void RememberedNames::unlinked(const ObjectId& id, const ObjectId& directory,
                               std::string_view name) {
    store_->erase(id, directory, name);
}

std::string RememberedNames::describe() const {
    return "objects are found by " + store_->describe() + " (" + reason_ + ")";
}

}  // namespace berth::vfs::posix
