#include "nfs/result_changes.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include <boost/pfr/core.hpp>

#include "nfs/protocol.hpp"

namespace berth::nfs {
namespace {

constexpr std::byte flipped{0x80};

Time moved(Time time, std::chrono::seconds by) {
    time.seconds += static_cast<std::uint32_t>(by.count());
    return time;
}

Verifier other(Verifier verifier) {
    verifier.front() ^= flipped;
    return verifier;
}

/// Finds the attributes in a result, wherever they are.
class Changing {
public:
    explicit Changing(const ResultChanges& changes) : changes_(changes) {}

    template <class T>
    void visit(T& value) const {
        if constexpr (std::is_same_v<T, PostOpAttributes>) {
            if (value && changes_.hides_attributes) value.reset();
            if (value) change(*value);
        } else if constexpr (std::is_same_v<T, Attributes>) {
            change(value);
        } else if constexpr (std::is_same_v<T, Wcc>) {
            if (changes_.hides_attributes_before) value.before.reset();
            if (value.before) change(*value.before);
            visit(value.after);
        } else if constexpr (xdr::detail::IsUnion<T>) {
            value.visit([&](auto& body) { visit(body); });
        } else if constexpr (xdr::detail::is_list<T>) {
            for (auto& item : value.items) visit(item);
        } else if constexpr (std::is_class_v<T> && std::is_aggregate_v<T> &&
                             !xdr::detail::is_fixed_opaque<T>) {
            boost::pfr::for_each_field(value, [&](auto& field) { visit(field); });
        }
    }

    void change(Read::Ok& ok) const {
        if (changes_.bytes_max && ok.count > *changes_.bytes_max) {
            ok.count = *changes_.bytes_max;
            ok.data = xdr::Opaque<>{ok.data.bytes().first(ok.count)};
            ok.eof = false;
        }
        ok.eof = changes_.eof.value_or(ok.eof);
    }
    void change(Write::Ok& ok) const {
        if (changes_.bytes_max) ok.count = std::min(ok.count, *changes_.bytes_max);
        if (changes_.has_other_write_verifier) ok.verifier = other(ok.verifier);
    }
    void change(Commit::Ok& ok) const {
        if (changes_.has_other_write_verifier) ok.verifier = other(ok.verifier);
    }
    template <class Listing>
        requires std::is_same_v<Listing, ReadDirectory::Ok> ||
            std::is_same_v<Listing, ReadDirectoryPlus::Ok>
    void change(Listing& ok) const {
        auto& entries = ok.entries.items;
        if (changes_.entries_max && entries.size() > *changes_.entries_max) {
            entries.resize(*changes_.entries_max);
            ok.eof = false;
        }
        if (changes_.repeats_entry && !entries.empty()) {
            auto first = entries.front();
            entries.insert(entries.begin(), std::move(first));
        }
        ok.eof = changes_.eof.value_or(ok.eof);
        if (changes_.has_other_cookie_verifier) ok.verifier = other(ok.verifier);
        if (changes_.saw_cookie && !entries.empty()) changes_.saw_cookie(entries.back().cookie);
    }

private:
    void change(Attributes& attributes) const {
        if (changes_.attributes) attributes = changes_.attributes(attributes);
        if (changes_.has_other_size) ++attributes.size;
        if (changes_.has_other_fileid) attributes.fileid ^= 1;
        if (changes_.has_other_fsid) attributes.fsid ^= 1;
        attributes.accessed = moved(attributes.accessed, changes_.clock);
        attributes.modified = moved(attributes.modified, changes_.clock);
        attributes.changed = moved(attributes.changed, changes_.clock);
    }
    void change(WccAttributes& attributes) const {
        attributes.modified = moved(attributes.modified, changes_.clock);
        attributes.changed = moved(attributes.changed, changes_.clock);
    }

    const ResultChanges& changes_;
};

template <class Procedure>
constexpr bool has_more =
    std::is_same_v<Procedure, Read> || std::is_same_v<Procedure, Write> ||
    std::is_same_v<Procedure, Commit> || std::is_same_v<Procedure, ReadDirectory> ||
    std::is_same_v<Procedure, ReadDirectoryPlus>;

template <class Procedure>
bool change_one(const rpc::Intercepted& call, rpc::Reply& reply, const Changing& changing) {
    return rpc::change_result<Procedure>(
        call, reply, program, [&](typename Procedure::Result& result) {
            if constexpr (has_more<Procedure>)
                if (auto* const ok = result.template get_if<Status::ok>()) changing.change(*ok);
            changing.visit(result);
        });
}

template <class... Procedures>
void change_any(const rpc::Intercepted& call, rpc::Reply& reply, const Changing& changing) {
    static_cast<void>((change_one<Procedures>(call, reply, changing) || ...));
}

}  // namespace

bool ResultChanges::any() const noexcept {
    return bytes_max || eof || hides_attributes || hides_attributes_before || has_other_size ||
           has_other_fileid || has_other_fsid || has_other_write_verifier ||
           has_other_cookie_verifier || repeats_entry || entries_max || clock.count() != 0 ||
           attributes || saw_cookie;
}

void change_results(const rpc::Intercepted& call, rpc::Reply& reply, const ResultChanges& changes) {
    change_any<GetAttributes, SetAttributes, Lookup, Access, ReadLink, Read, Write, Create,
               MakeDirectory, MakeSymbolicLink, MakeNode, Remove, RemoveDirectory, Rename, Link,
               ReadDirectory, ReadDirectoryPlus, FileSystemStatus, FileSystemInfo,
               PathConfiguration, Commit>(call, reply, Changing{changes});
}

}  // namespace berth::nfs
