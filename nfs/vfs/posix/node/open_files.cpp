#include "nfs/vfs/posix/node/open_files.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <utility>

#include "nfs/vfs/posix.hpp"
#include "nfs/vfs/posix/node/cache.hpp"

namespace berth::vfs::posix {

OpenFiles::OpenFiles(std::size_t descriptors_max)
    : nodes_max_(std::max<std::size_t>(1, descriptors_max / descriptors_per_node)) {}

bool OpenFiles::make_room() {
    // Several, because each round looks at all caches; but few compared to their total.
    const auto nodes_at_once = std::clamp<std::size_t>(nodes_max_ / 16, 1, 16);
    // Their sizes at the moment of looking: they change during the sort.
    std::vector<std::pair<std::size_t, NodeCache*>> by_size;
    std::size_t tried = 0;
    for (;;) {
        std::shared_lock<std::shared_mutex> visit;
        NodeCache* cache = nullptr;
        {
            auto caches = caches_.synchronize();
            if (tried >= caches->size()) return false;
            by_size.clear();
            for (auto* const each : *caches) by_size.emplace_back(each->size(), each);
            const auto next = by_size.begin() + static_cast<std::ptrdiff_t>(tried);
            std::ranges::nth_element(by_size, next, std::greater{});
            cache = next->second;
            visit = cache->visit();
        }
        if (cache->evict(nodes_at_once) > 0) return true;
        ++tried;
    }
}

void OpenFiles::enter(NodeCache& cache) {
    auto caches = caches_.synchronize();
    caches->push_back(&cache);
}

void OpenFiles::leave(NodeCache& cache) noexcept {
    auto caches = caches_.synchronize();
    std::erase(*caches, &cache);
}

std::shared_ptr<OpenFiles> make_open_files(std::size_t descriptors_max) {
    return std::make_shared<OpenFiles>(descriptors_max);
}

}  // namespace berth::vfs::posix
