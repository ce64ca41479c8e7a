#include "nfs/vfs/posix/names/remembered.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fcntl.h>

#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/posix/system/id_hash.hpp"

namespace berth::vfs::posix {
namespace {

// The most objects that one search visits. No useful tree is deeper, and a longer search would not
// serve anybody.
constexpr std::size_t steps_max = 100'000;

// Keeps the order of the places, but puts those in one directory together.
std::vector<Place> by_directory(std::vector<Place> places) {
    for (auto first = places.begin(); first != places.end();) {
        const auto directory = first->directory;
        first = std::stable_partition(first, places.end(),
                                      [&](const Place& one) { return one.directory == directory; });
    }
    return places;
}

}  // namespace

// The search for one object: up by names, one directory at a time, to the root; then down again,
// verifying every object that it opens. Usually the first name of each object is right.
class RememberedNames::Search {
public:
    explicit Search(RememberedNames& names) : names_(names) {}

    Result<Descriptor> find(const ObjectId& id) {
        if (id == names_.root_id_) return reopen(names_.root_, O_PATH | O_DIRECTORY);
        push(id);
        while (!way_.empty()) {
            const auto directory = next_directory(way_.back());
            if (!directory) {
                give_up();
            } else if (!(*directory == names_.root_id_)) {
                if (steps_++ == steps_max) return std::errc::io_error;
                push(*directory);
            } else if (auto found = come_down(reopen(names_.root_, O_PATH | O_DIRECTORY))) {
                return found;
            }
        }
        return trouble_;
    }

private:
    struct Step {
        ObjectId id;
        std::vector<Place> places;
        std::size_t next = 0;     // index of the first place not tried yet
        bool has_looped = false;  // some places lead through the object itself and were skipped
    };

    void push(const ObjectId& id) {
        busy_.insert(id);
        way_.push_back({id, by_directory(names_.store_->find(id))});
    }

    std::optional<ObjectId> next_directory(Step& step) {
        for (;;) {
            for (; step.next < step.places.size(); ++step.next) {
                const auto& directory = step.places[step.next].directory;
                if (vain_.contains(directory)) continue;
                if (!busy_.contains(directory)) return directory;
                step.has_looped = true;
            }
            // The object may have got another name meanwhile.
            auto known = names_.store_->find(step.id);
            std::erase_if(known, [&](const Place& place) {
                return std::ranges::find(step.places, place) != step.places.end();
            });
            if (known.empty()) return std::nullopt;
            std::ranges::move(by_directory(std::move(known)), std::back_inserter(step.places));
        }
    }

    // There is no way to the object of the last step. The step below it tries its other places.
    void give_up() {
        const Step given_up = std::move(way_.back());
        way_.pop_back();
        busy_.erase(given_up.id);
        if (!given_up.has_looped) vain_.insert(given_up.id);
        if (way_.empty()) return;
        way_.back().has_looped |= given_up.has_looped;
        skip(way_.back());
    }

    static void skip(Step& step) {
        const auto directory = step.places[step.next].directory;
        while (step.next < step.places.size() && step.places[step.next].directory == directory)
            ++step.next;
    }

    // Goes down for the last step from a directory that is open now, as far as the names are right.
    Result<Descriptor> come_down(Result<Descriptor> above) {
        while (above) {
            Step& step = way_.back();
            const auto directory = step.places[step.next].directory;
            Result<Descriptor> opened = stale;
            for (; !opened && step.next < step.places.size() &&
                   step.places[step.next].directory == directory;
                 ++step.next) {
                opened = names_.open_verified(above->number(), step.id, step.places[step.next]);
                if (!opened) note(opened.error());
            }
            if (!opened) return stale;
            busy_.erase(step.id);
            way_.pop_back();
            above = std::move(opened);
            if (way_.empty()) return above;
        }
        note(above.error());
        skip(way_.back());
        return stale;
    }

    // An object that can't be reached at the moment is a better answer than another that is gone.
    void note(std::errc error) {
        if (trouble_ == stale) trouble_ = error;
    }

    RememberedNames& names_;
    std::vector<Step> way_;
    std::unordered_set<ObjectId, IdHash> busy_;  // objects on the way
    std::unordered_set<ObjectId, IdHash> vain_;  // objects that no way leads to
    std::errc trouble_ = stale;
    std::size_t steps_ = 0;
};

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
    return Search{*this}.find(id);
}

// A name is forgotten only if the directory itself says that the object is no longer there. Any
// other failure may be temporary.
Result<Descriptor> RememberedNames::open_verified(int directory, const ObjectId& id,
                                                  const Place& place) {
    auto opened = open_entry_(directory, place.name.c_str());
    if (opened) {
        const auto found = is_object_(opened->number(), id, place);
        if (!found) return found.error();
        if (*found) return opened;
    } else if (opened.error() != std::errc::no_such_file_or_directory) {
        return opened.error();
    }
    store_->erase(id, place.directory, place.name);
    return stale;
}

std::optional<ObjectId> RememberedNames::directory_of(const ObjectId& id) {
    const auto places = store_->find(id);
    if (places.empty()) return std::nullopt;
    return places.front().directory;
}

Result<void> RememberedNames::seen(const ObjectId& id, const ObjectId& directory,
                                   std::string_view name, Patience patience) {
    if (id == root_id_ || id == directory) return {};  // "." leads nowhere
    if (patience != Patience::none) {
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
