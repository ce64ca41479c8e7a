#include "mount/way.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace berth::mount {

void Way::append(std::string_view path) {
    while (!path.empty()) {
        const auto name = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(name.size() + 1, path.size()));
        if (!name.empty() && name != ".") names_.emplace_back(name);
    }
}

std::size_t Way::names_in_head() const {
    return static_cast<std::size_t>(std::distance(names_.begin(), std::ranges::find(names_, "..")));
}

std::string Way::head() const {
    std::string text;
    for (const auto& name : std::span{names_}.first(names_in_head()))
        text += (text.empty() ? "" : "/") + name;
    return text;
}

void Way::go_up() {
    const auto dots = names_.begin() + static_cast<std::ptrdiff_t>(names_in_head());
    const auto last = dots == names_.begin() ? dots : std::prev(dots);
    names_.erase(last, std::next(dots));
}

bool Way::follow(std::size_t index, std::string_view text) {
    const auto at = names_.begin() + static_cast<std::ptrdiff_t>(index);
    const std::vector<std::string> rest{std::next(at), names_.end()};
    names_.erase(text.starts_with('/') ? names_.begin() : at, names_.end());
    append(text);
    names_.insert(names_.end(), rest.begin(), rest.end());
    std::size_t bytes = 0;
    for (const auto& name : names_) bytes += name.size() + 1;
    return bytes <= bytes_max;
}

}  // namespace berth::mount
