#include "packet_io/afxdp/offload_filter.hpp"

#include <cstddef>
#include <utility>

#include "wire/headers.hpp"
#include "wire/packet.hpp"

namespace valinor::packet_io::afxdp {
namespace {

constexpr std::uint8_t kResult = BPF_REG_0;
constexpr std::uint8_t kContext = BPF_REG_1;
constexpr std::uint8_t kNext = BPF_REG_2;  // the header that is looked at
constexpr std::uint8_t kEnd = BPF_REG_3;   // of the frame
constexpr std::uint8_t kValue = BPF_REG_4;
constexpr std::uint8_t kScratch = BPF_REG_5;
constexpr std::uint8_t kProtocol = BPF_REG_6;
constexpr std::uint8_t kDscp = BPF_REG_7;
constexpr std::uint8_t kFragmentOffset = BPF_REG_8;

/// Instructions, with forward jumps to places that are named before they are known.
class Assembler {
 public:
  using Label = std::size_t;

  [[nodiscard]] Label make_label() {
    places_.push_back(0);
    return places_.size() - 1;
  }
  void place(Label label) { places_[label] = code_.size(); }

  /// `size`: BPF_B, BPF_H, BPF_W; in host byte order.
  void load(std::uint8_t size, std::uint8_t to, std::uint8_t from, std::size_t offset) {
    emit(BPF_LDX | BPF_MEM | size, to, from, static_cast<std::int16_t>(offset), 0);
  }
  void load_network_16(std::uint8_t to, std::uint8_t from, std::size_t offset) {
    load(BPF_H, to, from, offset);
    emit(BPF_ALU | BPF_END | BPF_TO_BE, to, 0, 0, 16);
  }
  void set(std::uint8_t to, std::int32_t value) {
    emit(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
  }
  void move(std::uint8_t to, std::uint8_t from) {
    emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
  }
  void add(std::uint8_t to, std::uint8_t from) {
    emit(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0);
  }
  /// `operation`: BPF_ADD, BPF_AND, BPF_LSH, BPF_RSH.
  void compute(std::uint8_t operation, std::uint8_t to, std::int32_t value) {
    emit(static_cast<std::uint8_t>(BPF_ALU64 | operation | BPF_K), to, 0, 0, value);
  }
  void call(std::int32_t helper) { emit(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
  void leave_with(std::int32_t result) {
    set(kResult, result);
    emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }

  /// `comparison`, unsigned: BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT.
  void jump_if(std::uint8_t comparison, std::uint8_t left, std::int32_t right, Label to) {
    jump(static_cast<std::uint8_t>(BPF_JMP | comparison | BPF_K), left, 0, right, to);
  }
  void jump_if_behind(std::uint8_t left, std::uint8_t right, Label to) {
    jump(BPF_JMP | BPF_JGT | BPF_X, left, right, 0, to);
  }
  void jump(Label to) { jump(BPF_JMP | BPF_JA, 0, 0, 0, to); }

  [[nodiscard]] std::vector<bpf_insn> finish() {
    for (const auto& [at, label] : jumps_) {
      code_[at].off = static_cast<std::int16_t>(places_[label] - at - 1);
    }
    return std::move(code_);
  }

 private:
  void emit(std::uint8_t code, std::uint8_t to, std::uint8_t from, std::int16_t offset,
            std::int32_t value) {
    bpf_insn instruction{};
    instruction.code = code;
    instruction.dst_reg = to & 0xf;
    instruction.src_reg = from & 0xf;
    instruction.off = offset;
    instruction.imm = value;
    code_.push_back(instruction);
  }
  void jump(std::uint8_t code, std::uint8_t left, std::uint8_t right, std::int32_t value,
            Label to) {
    jumps_.emplace_back(code_.size(), to);
    emit(code, left, right, 0, value);
  }

  std::vector<bpf_insn> code_;
  std::vector<std::size_t> places_;                   // by label
  std::vector<std::pair<std::size_t, Label>> jumps_;  // from where, to which label
};

/// Writes the filter, header by header, in the order of wire::Match::decide.
class Filter {
 public:
  Filter(const wire::MatchRules& rules, std::uint32_t sample) : rules_{rules} {
    code_.load(BPF_W, kNext, kContext, offsetof(xdp_md, data));
    code_.load(BPF_W, kEnd, kContext, offsetof(xdp_md, data_end));
    link_layer();
    network_layer();
    rules_of_ip();
    code_.place(exclude_);
    thin_out(sample);
    code_.place(keep_);
    code_.leave_with(XDP_PASS);
  }

  [[nodiscard]] std::vector<bpf_insn> finish() { return code_.finish(); }

 private:
  using Label = Assembler::Label;

  /// Keeps a frame that ends before `bytes` from kNext on.
  void require(std::size_t bytes) {
    code_.move(kScratch, kNext);
    code_.compute(BPF_ADD, kScratch, static_cast<std::int32_t>(bytes));
    code_.jump_if_behind(kScratch, kEnd, keep_);
  }

  /// Leaves the ethertype in kValue, and kNext behind Ethernet header and tags.
  void link_layer() {
    require(sizeof(wire::EthernetHeader));
    code_.load_network_16(kValue, kNext, offsetof(wire::EthernetHeader, ethertype));
    code_.compute(BPF_ADD, kNext, sizeof(wire::EthernetHeader));
    const Label done = code_.make_label();
    for (unsigned tags = 0; tags < wire::kMaxVlanTags; ++tags) {
      const Label tag = code_.make_label();
      code_.jump_if(BPF_JEQ, kValue, wire::ethertype::kVlan, tag);
      code_.jump_if(BPF_JNE, kValue, wire::ethertype::kQinq, done);
      code_.place(tag);
      require(sizeof(wire::VlanTag));
      code_.load_network_16(kValue, kNext, offsetof(wire::VlanTag, ethertype));
      code_.compute(BPF_ADD, kNext, sizeof(wire::VlanTag));
    }
    code_.place(done);
    for (const std::uint16_t ethertype : rules_.ethertypes) {
      code_.jump_if(BPF_JEQ, kValue, ethertype, keep_);
    }
  }

  /// Leaves kNext at the transport header, and kProtocol, kDscp and kFragmentOffset set.
  void network_layer() {
    const Label ipv6 = code_.make_label(), done = code_.make_label();
    code_.jump_if(BPF_JEQ, kValue, wire::ethertype::kIpv6, ipv6);
    code_.jump_if(BPF_JNE, kValue, wire::ethertype::kIpv4, exclude_);

    require(sizeof(wire::Ipv4Header));
    code_.load(BPF_B, kValue, kNext, offsetof(wire::Ipv4Header, version_and_header_words));
    code_.jump_if(BPF_JLT, kValue, 0x45, keep_);
    code_.jump_if(BPF_JGT, kValue, 0x4f, keep_);
    code_.load(BPF_B, kDscp, kNext, offsetof(wire::Ipv4Header, dscp_and_ecn));
    code_.compute(BPF_RSH, kDscp, 2);
    code_.load_network_16(kFragmentOffset, kNext, offsetof(wire::Ipv4Header, flags_and_fragment));
    code_.compute(BPF_AND, kFragmentOffset, 0x1fff);
    code_.load(BPF_B, kProtocol, kNext, offsetof(wire::Ipv4Header, protocol));
    code_.compute(BPF_AND, kValue, 0xf);
    code_.compute(BPF_LSH, kValue, 2);
    code_.add(kNext, kValue);
    code_.jump_if_behind(kNext, kEnd, keep_);
    code_.jump(done);

    code_.place(ipv6);
    require(sizeof(wire::Ipv6Header));
    code_.load_network_16(kValue, kNext, offsetof(wire::Ipv6Header, version_class_flow));
    code_.move(kDscp, kValue);
    code_.compute(BPF_RSH, kValue, 12);
    code_.jump_if(BPF_JNE, kValue, 6, keep_);
    code_.compute(BPF_RSH, kDscp, 6);
    code_.compute(BPF_AND, kDscp, 0x3f);
    code_.set(kFragmentOffset, 0);
    code_.load(BPF_B, kProtocol, kNext, offsetof(wire::Ipv6Header, next_header));
    for (const std::uint8_t extension :
         {wire::ip_protocol::kIpv6HopByHop, wire::ip_protocol::kIpv6Routing,
          wire::ip_protocol::kIpv6Fragment, wire::ip_protocol::kIpv6Destination}) {
      code_.jump_if(BPF_JEQ, kProtocol, extension, keep_);
    }
    code_.compute(BPF_ADD, kNext, sizeof(wire::Ipv6Header));
    code_.place(done);
  }

  void rules_of_ip() {
    for (const std::uint8_t protocol : rules_.ip_protocols) {
      code_.jump_if(BPF_JEQ, kProtocol, protocol, keep_);
    }
    if (rules_.dscp) {
      const Label has_ports = code_.make_label(), done = code_.make_label();
      code_.jump_if(BPF_JEQ, kProtocol, wire::ip_protocol::kUdp, has_ports);
      code_.jump_if(BPF_JNE, kProtocol, wire::ip_protocol::kTcp, done);
      code_.place(has_ports);
      code_.compute(BPF_AND, kDscp, rules_.dscp->mask);
      code_.jump_if(BPF_JEQ, kDscp, rules_.dscp->value, keep_);
      code_.place(done);
    }
    if (rules_.udp_dst_ports.empty()) return;
    code_.jump_if(BPF_JNE, kProtocol, wire::ip_protocol::kUdp, exclude_);
    code_.jump_if(BPF_JNE, kFragmentOffset, 0, exclude_);
    require(sizeof(wire::UdpHeader));
    code_.load_network_16(kValue, kNext, offsetof(wire::UdpHeader, destination_port));
    for (const std::uint16_t port : rules_.udp_dst_ports) {
      code_.jump_if(BPF_JEQ, kValue, port, keep_);
    }
  }

  void thin_out(std::uint32_t sample) {
    if (sample == 0) return code_.leave_with(XDP_DROP);
    code_.call(BPF_FUNC_get_prandom_u32);
    // Kept where the number, cut to 31 bits for the sign of the immediate, is below this.
    constexpr std::uint32_t kRange = std::uint32_t{1} << 31;
    code_.compute(BPF_AND, kResult, static_cast<std::int32_t>(kRange - 1));
    code_.jump_if(BPF_JLT, kResult, static_cast<std::int32_t>(kRange / sample), keep_);
    code_.leave_with(XDP_DROP);
  }

  const wire::MatchRules& rules_;
  Assembler code_;
  Label keep_ = code_.make_label();
  Label exclude_ = code_.make_label();
};

}  // namespace

std::vector<bpf_insn> make_offload_filter(const wire::MatchRules& rules, std::uint32_t sample) {
  return Filter{rules, sample}.finish();
}

}  // namespace valinor::packet_io::afxdp
