#include "nfs/vfs/posix/volumes.hpp"

#include <algorithm>
#include <tuple>

#include "nfs/vfs/mounts.hpp"
#include "nfs/vfs/posix.hpp"
#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

// The kernel's number of the whole file system: that of its mount, because parts of some file
// systems (subvolumes of btrfs) have numbers of their own.
std::pair<unsigned, unsigned> device_of(int directory) {
    const auto found = status(directory);
    if (!found) return {};
    const auto mounts = read_mounts();
    const auto mount = std::ranges::find(mounts, found->stx_mnt_id, &Mount::id);
    if ((found->stx_mask & STATX_MNT_ID) == 0 || mount == mounts.end())
        return {found->stx_dev_major, found->stx_dev_minor};
    return {mount->device_major, mount->device_minor};
}

}  // namespace

Volume::Object::Object(std::shared_ptr<Volume> volume, const ObjectId& mark)
    : volume_(std::move(volume)),
      shard_(volume_->shard_of(mark)) {
    auto objects = shard_.synchronize();
    shared_ = &*std::get<0>(objects->try_emplace(mark));
    ++shared_->second.uses;
}

Volume::Object::~Object() {
    auto objects = shard_.synchronize();
    if (--shared_->second.uses == 0) objects->erase(ObjectId{shared_->first});
}

Volume::Shard& Volume::shard_of(const ObjectId& mark) {
    return shards_[(IdHash{}(mark) >> 48) % shards];
}

std::shared_ptr<Volumes> make_volumes() {
    return std::make_shared<Volumes>();
}

std::shared_ptr<Volume> Volumes::of(int directory) {
    const auto device = device_of(directory);
    auto by_device = by_device_.synchronize();
    std::erase_if(*by_device, [](const auto& one) { return one.second.expired(); });
    auto volume = (*by_device)[device].lock();
    if (!volume) {
        volume = std::make_shared<Volume>();
        (*by_device)[device] = volume;
    }
    return volume;
}

}  // namespace berth::vfs::posix
