#include "tests/nfs/vfs/agreement/step.hpp"

#include <array>
#include <initializer_list>
#include <random>
#include <sstream>

#include <sys/stat.h>

namespace berth::vfs::test {
namespace {

constexpr std::array kind_names{
    "lookup", "peek",  "list",    "access",  "set",  "read",   "write", "read_link",
    "create", "mkdir", "symlink", "special", "link", "remove", "rmdir", "rename",
};
static_assert(kind_names.size() == static_cast<std::size_t>(Kind::rename) + 1);

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    // The distributions of the library differ between implementations of it.
    std::size_t below(std::size_t end) { return static_cast<std::size_t>(engine_() % end); }
    bool once_in(std::size_t times) { return below(times) == 0; }

    template <class T>
    T one_of(std::initializer_list<T> all) {
        return *(all.begin() + below(all.size()));
    }

private:
    std::mt19937_64 engine_;
};

std::optional<NewTime> random_time(Random& random) {
    if (random.once_in(2)) return NewTime{};
    return NewTime{Time{static_cast<std::int64_t>(random.below(1000)),
                        static_cast<std::uint32_t>(random.below(1'000'000'000))}};
}

std::uint32_t random_mode(Random& random) {
    return random.one_of<std::uint32_t>(
        {0777, 0777, 0777, 0755,  0755,  0644,  0666,  0700,  0600,  0400,  0200,  0111, 0000,
         0070, 0007, 0555, 01777, 01777, 02777, 02755, 02644, 04755, 06777, 06711, 07777});
}

std::uint64_t random_size(Random& random) {
    return random.one_of<std::uint64_t>({0, 0, 1, 7, 100, 4095, 4096, 4097, 70000, 1ULL << 33});
}

NewAttributes random_attributes(Random& random, std::size_t rarity) {
    NewAttributes wanted;
    if (random.once_in(rarity)) wanted.mode = random_mode(random);
    if (random.once_in(2 * rarity)) wanted.uid = random.one_of<uid_t>({0, 1000, 1001, 4000});
    if (random.once_in(2 * rarity)) {
        wanted.gid = random.one_of<gid_t>({0, 500, 1000, 1001, 2000, 2001, 4000, 4001});
    }
    if (random.once_in(2 * rarity)) wanted.size = random_size(random);
    if (random.once_in(2 * rarity)) wanted.accessed = random_time(random);
    if (random.once_in(2 * rarity)) wanted.modified = random_time(random);
    return wanted;
}

/// Without the bits that the kernel takes differently when it makes an object and when it changes
/// one.
std::uint32_t unambiguous(Kind kind, std::uint32_t mode) {
    switch (kind) {
    case Kind::make_directory:
        // Set-user-id means nothing on a directory, and setting it may drop set-group-id.
        return mode & ~std::uint32_t{S_ISUID};
    case Kind::create:
    case Kind::make_special:
        // Of a group the maker is not in, set-group-id is kept where nobody can execute the file.
        return (mode & S_ISGID) != 0 ? mode | S_IXGRP : mode;
    default: return mode;
    }
}

std::string random_name(Random& random) {
    if (random.once_in(40)) return random.one_of<std::string>({".", ".."});
    if (random.once_in(60)) return std::string(random.one_of<std::size_t>({254, 255, 256}), 'n');
    if (random.once_in(100)) return random.one_of<std::string>({"", "a/b", "/", "../a"});
    return random.one_of<std::string>({"a", "b", "c", "d", "e"});
}

Kind random_kind(Random& random) {
    return random.one_of<Kind>({Kind::lookup,
                                Kind::lookup,
                                Kind::lookup,
                                Kind::lookup,
                                Kind::peek,
                                Kind::list,
                                Kind::access,
                                Kind::set_attributes,
                                Kind::set_attributes,
                                Kind::set_attributes,
                                Kind::set_attributes,
                                Kind::read,
                                Kind::read,
                                Kind::write,
                                Kind::write,
                                Kind::read_link,
                                Kind::create,
                                Kind::create,
                                Kind::create,
                                Kind::create,
                                Kind::make_directory,
                                Kind::make_directory,
                                Kind::make_directory,
                                Kind::make_directory,
                                Kind::make_symbolic_link,
                                Kind::make_special,
                                Kind::link,
                                Kind::link,
                                Kind::remove,
                                Kind::remove,
                                Kind::remove_directory,
                                Kind::rename,
                                Kind::rename,
                                Kind::rename,
                                Kind::rename});
}

Step random_step(Random& random) {
    Step step;
    step.kind = random_kind(random);
    step.who = random.one_of({&root_user, &alice, &alice, &alice, &bob, &bob, &stranger});
    // The root is where most entries are, for a while.
    step.object = random.once_in(3) ? 0 : random.below(Step::slots);
    step.name = random_name(random);
    step.other = random.below(Step::slots);
    step.other_name = random_name(random);
    step.into = 1 + random.below(Step::slots - 1);
    step.attributes = random_attributes(random, step.kind == Kind::set_attributes ? 1 : 2);
    if (step.kind == Kind::set_attributes) {
        // Mostly one thing at a time; now and then all at once.
        if (!random.once_in(4)) step.attributes = random_attributes(random, 3);
    } else if (!random.once_in(4)) {
        step.attributes.mode = random_mode(random);
    }
    if (step.attributes.mode) {
        step.attributes.mode = unambiguous(step.kind, *step.attributes.mode);
    }
    step.create_mode = random.one_of(
        {CreateMode::unchecked, CreateMode::unchecked, CreateMode::guarded, CreateMode::exclusive});
    // Kept in a file's times somewhere, so they must be such that they pass for the present.
    step.verifier = random.one_of<std::uint8_t>({0x76, 0x77});
    step.type = random.one_of({FileType::fifo, FileType::fifo, FileType::socket,
                               FileType::character_device, FileType::block_device});
    step.offset = random_size(random);
    step.bytes = random.one_of<std::size_t>({0, 1, 7, 100, 4096, 10000});
    step.permissions = static_cast<std::uint8_t>(random.below(8));
    return step;
}

void print(std::ostream& out, const std::optional<NewTime>& time, const char* name) {
    if (!time) return;
    out << ' ' << name << '=';
    if (time->value) {
        out << time->value->seconds << '.' << time->value->nanoseconds;
    } else {
        out << "now";
    }
}

void print(std::ostream& out, const NewAttributes& wanted) {
    if (wanted.mode) out << " mode=0" << std::oct << *wanted.mode << std::dec;
    if (wanted.uid) out << " uid=" << *wanted.uid;
    if (wanted.gid) out << " gid=" << *wanted.gid;
    if (wanted.size) out << " size=" << *wanted.size;
    print(out, wanted.accessed, "accessed");
    print(out, wanted.modified, "modified");
}

}  // namespace

std::string to_string(const Step& step) {
    std::ostringstream out;
    out << step.who->name() << ": " << kind_names.at(static_cast<std::size_t>(step.kind)) << " ["
        << step.object << ']';
    const auto name =
        step.name.size() > 20 ? std::to_string(step.name.size()) + " bytes" : step.name;
    switch (step.kind) {
    case Kind::list:
    case Kind::read_link: break;
    case Kind::access: out << ' ' << int{step.permissions}; break;
    case Kind::set_attributes: print(out, step.attributes); break;
    case Kind::read:
    case Kind::write: out << " at " << step.offset << ", " << step.bytes << " bytes"; break;
    case Kind::link: out << " '" << name << "' -> [" << step.other << ']'; break;
    case Kind::rename:
        out << " '" << name << "' -> [" << step.other << "] '" << step.other_name.substr(0, 20)
            << '\'';
        break;
    case Kind::remove:
    case Kind::remove_directory:
    case Kind::peek: out << " '" << name << '\''; break;
    default:
        out << " '" << name << '\'';
        if (step.kind == Kind::create) {
            out << " mode " << int(step.create_mode) << " verifier " << int{step.verifier};
        }
        if (step.kind == Kind::make_special) out << " type " << int(step.type);
        if (step.kind != Kind::lookup) print(out, step.attributes);
        out << " => [" << step.into << ']';
    }
    return out.str();
}

std::vector<Step> random_steps(std::uint64_t seed, std::size_t count) {
    Random random{seed};
    std::vector<Step> steps;
    for (std::size_t i = 0; i < count; ++i) steps.push_back(random_step(random));
    return steps;
}

}  // namespace berth::vfs::test
