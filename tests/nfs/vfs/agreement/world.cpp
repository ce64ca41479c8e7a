#include "tests/nfs/vfs/agreement/world.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

#include "tests/nfs/vfs/bytes.hpp"

namespace berth::vfs::test {
namespace {

// Times that steps set lie before this; the present, later.
constexpr std::int64_t present = 100'000'000;

std::string told(const Time& time) {
    if (time.seconds >= present) return "now";
    return std::to_string(time.seconds) + '.' + std::to_string(time.nanoseconds);
}

// Left out is what file systems rightly differ in: ids, the size of directories, space used, the
// time of change, and the time of access unless it was just set.
std::string told(const Attributes& seen, bool with_accessed) {
    std::ostringstream out;
    out << "type " << int(seen.type) << " mode 0" << std::oct << seen.mode << std::dec << " links "
        << seen.links << " owner " << seen.uid << ':' << seen.gid << " modified "
        << told(seen.modified);
    if (seen.type != FileType::directory) out << " size " << seen.size;
    if (seen.device != DeviceNumber{})
        out << " device " << seen.device.major << ',' << seen.device.minor;
    if (with_accessed) out << " accessed " << told(seen.accessed);
    return out.str();
}

std::string told(Node& node, bool with_accessed) {
    const auto seen = node.attributes(Patience::ample);
    return seen ? told(*seen, with_accessed) : to_string(seen.error());
}

std::string told(const std::string& contents) {
    std::ostringstream out;
    out << contents.size() << " bytes, hash " << std::hash<std::string>{}(contents);
    return out.str();
}

std::string names_in(Node& directory, const Caller& who, Outcome& outcome) {
    std::multiset<std::string> names;
    outcome = outcome_of(directory.list(who, 0, [&](const DirectoryEntry& entry) {
        names.emplace(entry.name);
        return true;
    }));
    std::string all;
    for (const auto& name : names) all += name + '/';
    return all;
}

}  // namespace

World::World(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {
    slots_.fill(tree_->files().root().value());
}

Observation World::carry_out(const Step& step) {
    Observation observed;
    observed.outcome = act(step, observed.seen);
    const bool sets_times = step.kind == Kind::set_attributes;
    observed.seen += " | " + told(*slots_.at(step.object), sets_times);
    if (step.kind == Kind::link || step.kind == Kind::rename) {
        observed.seen += " | " + told(*slots_.at(step.other), false);
    }
    return observed;
}

Outcome World::keep(const Step& step, Result<NodePtr> found) {
    if (!found) return found.error();
    slots_.at(step.into) = *std::move(found);
    return success;
}

Outcome World::act(const Step& step, std::string& answer) {
    const Caller who = *step.who;
    auto& object = *slots_.at(step.object);
    auto& other = *slots_.at(step.other);
    Outcome outcome;
    switch (step.kind) {
    case Kind::lookup: return keep(step, object.lookup(who, step.name));
    case Kind::peek: {
        const auto listed = object.peek(who, step.name);
        if (listed) answer = told(listed->attributes, false);
        return outcome_of(listed);
    }
    case Kind::list: answer = names_in(object, who, outcome); return outcome;
    case Kind::access: {
        const auto granted = object.access(who, step.permissions);
        if (granted) answer = std::to_string(*granted);
        return outcome_of(granted);
    }
    case Kind::set_attributes: return outcome_of(object.set_attributes(who, step.attributes));
    case Kind::read: {
        std::vector<std::byte> into(step.bytes);
        const auto count = object.read(who, step.offset, into);
        if (count) answer = told(as_text(std::span{into}.first(*count)));
        return outcome_of(count);
    }
    case Kind::write: {
        const std::string text(step.bytes, static_cast<char>('a' + step.offset % 26));
        const auto count = object.write(who, step.offset, as_bytes(text));
        if (count) answer = std::to_string(*count);
        return outcome_of(count);
    }
    case Kind::read_link: {
        const auto text = object.read_link(who);
        if (text) answer = *text;
        return outcome_of(text);
    }
    case Kind::link: return outcome_of(tree_->files().link(who, other, object, step.name));
    case Kind::remove: return outcome_of(object.remove(who, step.name));
    case Kind::remove_directory: return outcome_of(object.remove_directory(who, step.name));
    case Kind::rename:
        return outcome_of(tree_->files().rename(who, object, step.name, other, step.other_name));
    default: {
        outcome = make(step);
        if (outcome == success) answer = told(*slots_.at(step.into), true);
        return outcome;
    }
    }
}

Outcome World::make(const Step& step) {
    const Caller who = *step.who;
    auto& object = *slots_.at(step.object);
    switch (step.kind) {
    case Kind::make_directory:
        return keep(step, object.make_directory(who, step.name, step.attributes));
    case Kind::make_symbolic_link:
        return keep(step,
                    object.make_symbolic_link(who, step.name, step.other_name, step.attributes));
    case Kind::make_special:
        return keep(step,
                    object.make_special(
                        who, step.name,
                        {.type = step.type, .device = {3, 4}, .attributes = step.attributes}));
    default: {
        NewFile file{.mode = step.create_mode, .attributes = step.attributes};
        file.verifier.fill(std::byte{step.verifier});
        return keep(step, object.create(who, step.name, file));
    }
    }
}

std::string World::picture() {
    std::string picture = "/: " + told(*slots_.front(), false) + '\n';
    drawn_.clear();
    draw(*slots_.front(), "", picture);
    return picture;
}

void World::draw(Node& directory, const std::string& path, std::string& picture) {
    const Caller who = root_user;
    std::set<std::string> names;
    static_cast<void>(directory.list(who, 0, [&](const DirectoryEntry& entry) {
        if (entry.name != "." && entry.name != "..") names.emplace(entry.name);
        return true;
    }));
    for (const auto& name : names) {
        const auto here = path + '/' + name.substr(0, 10);
        auto found = directory.lookup(who, name);
        if (!found) {
            picture += here + ": " + to_string(found.error()) + '\n';
            continue;
        }
        auto& node = **found;
        const auto seen = node.attributes(Patience::ample).value();
        picture += here + ": " + told(seen, false);
        const auto [first, is_new] = drawn_.emplace(seen.fileid, here);
        if (!is_new) {
            picture += " is " + first->second + '\n';
            continue;
        }
        if (seen.type == FileType::regular) {
            // Of sparse files of gigabytes only the ends.
            std::vector<std::byte> bytes(80'000);
            const auto from = seen.size > bytes.size() ? seen.size - bytes.size() / 2 : 0;
            bytes.resize(node.read(who, from, bytes).value());
            picture += " holds " + told(as_text(bytes));
        } else if (seen.type == FileType::symbolic_link) {
            picture += " to " + node.read_link(who).value();
        }
        picture += '\n';
        if (seen.type == FileType::directory) draw(node, here, picture);
    }
}

}  // namespace berth::vfs::test
