#include "nfs/vfs/memory/volume.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/endian/conversion.hpp>

#include "nfs/vfs/memory/node.hpp"

namespace berth::vfs::memory {
namespace {

constexpr std::size_t id_bytes = 16;  // inode number and generation, big endian

constexpr std::uint32_t nanoseconds_per_second = 1'000'000'000;

Time machine_time() {
    using namespace std::chrono;
    const auto now = system_clock::now().time_since_epoch();
    const auto whole = floor<seconds>(now);
    return {whole.count(), static_cast<std::uint32_t>(nanoseconds{now - whole}.count())};
}

Time just_after(Time time) {
    if (++time.nanoseconds < nanoseconds_per_second) return time;
    return {time.seconds + 1, 0};
}

unsigned char* raw(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}

}  // namespace

Volume::Volume(Options options)
    : options_(std::move(options)),
      bytes_(options_.capacity_bytes),
      files_(options_.capacity_files) {}

Volume::~Volume() = default;

Limits Volume::limits() const {
    Limits limits;
    limits.links_max = options_.links_max;
    limits.file_bytes_max = file_bytes_max;
    return limits;
}

Time Volume::now() {
    last_time_ =
        std::max(options_.clock ? options_.clock() : machine_time(), just_after(last_time_));
    return last_time_;
}

Node* Volume::add(Inode inode) {
    if (files_.left() == 0) return nullptr;
    inode.fileid = ++last_fileid_;
    const boost::intrusive_ptr<Node> node{new Node{*this, std::move(inode)}};
    nodes_.emplace(last_fileid_, node);
    files_.charge(1);
    return node.get();
}

Inode::Named Volume::name_of(const Node& node) const {
    for (const auto& [fileid, other] : nodes_) {
        const auto* const directory = std::get_if<Directory>(&other->inode().body);
        if (directory == nullptr) continue;
        if (const auto position = directory->position_of(&node); position != 0)
            return {fileid, position};
    }
    return {};
}

Node* Volume::find(std::uint64_t fileid) const {
    const auto found = nodes_.find(fileid);
    return found == nodes_.end() ? nullptr : found->second.get();
}

void Volume::bury(Node& node, Remains& remains) {
    auto& inode = node.inode();
    if (const auto* contents = std::get_if<Contents>(&inode.body))
        bytes_.give_back(contents->used());
    files_.give_back(1);
    remains.body = std::exchange(inode.body, {});
    remains.node = std::move(nodes_.at(inode.fileid));
    nodes_.erase(inode.fileid);
}

ObjectId Volume::name(std::uint64_t fileid) const {
    std::array<std::byte, id_bytes> bytes{};
    boost::endian::store_big_u64(raw(bytes.data()), fileid);
    boost::endian::store_big_u64(raw(bytes.data() + sizeof fileid), options_.generation);
    return ObjectId{bytes};
}

Result<Node*> Volume::find(const ObjectId& id) const {
    const auto bytes = id.bytes();
    if (bytes.size() != id_bytes) return std::errc::invalid_argument;
    const auto fileid = boost::endian::load_big_u64(raw(bytes.data()));
    const auto generation = boost::endian::load_big_u64(raw(bytes.data() + sizeof fileid));
    auto* node = generation == options_.generation ? find(fileid) : nullptr;
    if (node == nullptr) return stale;
    return node;
}

}  // namespace berth::vfs::memory
