// Models of Xilinx 7 cells that yosys ships as black boxes, as far as synthesis from Tensorgate's Verilog uses them.

// A block RAM without its own output registers. Cells of nine bits: eight of data and one of parity, which words of 9, 18,
// 36 and 72 bits use. Address bits choose a bit; those below the width of a word are ignored.
// What hardware leaves open is X: a word that is read on the edge on which the other port writes it, unless that one is
// READ_FIRST. A mode that is not modelled here does not compile.
module tensorgate_block_ram (
        input clk_a, en_a, rst_a, clk_b, en_b, rst_b,
        input [14:0] addr_a, addr_b,
        input [7:0] we_a, we_b,
        input [63:0] in_a, in_b,
        input [7:0] in_parity_a, in_parity_b,
        output reg [63:0] out_a, out_b,
        output reg [7:0] out_parity_a, out_parity_b);
    parameter ADDRESS_BITS = 14;
    parameter READ_WIDTH_A = 0;
    parameter READ_WIDTH_B = 0;
    parameter WRITE_WIDTH_A = 0;
    parameter WRITE_WIDTH_B = 0;
    parameter WRITE_MODE_A = "WRITE_FIRST";
    parameter WRITE_MODE_B = "WRITE_FIRST";
    parameter [63:0] INIT_A = 64'b0;
    parameter [63:0] INIT_B = 64'b0;
    parameter [7:0] INIT_PARITY_A = 8'b0;
    parameter [7:0] INIT_PARITY_B = 8'b0;
    parameter [32767:0] INIT = 32768'b0;
    parameter [4095:0] INIT_PARITY = 4096'b0;
    localparam CELLS = 1 << (ADDRESS_BITS - 3);

    reg [8:0] cells [0:CELLS - 1];
    integer i;
    initial begin
        for (i = 0; i < CELLS; i = i + 1) cells[i] = {INIT_PARITY[i], INIT[i * 8 +: 8]};
        {out_parity_a, out_a} = {INIT_PARITY_A, INIT_A};
        {out_parity_b, out_b} = {INIT_PARITY_B, INIT_B};
    end

    // Cells of a word, and its first one.
    function integer span(input integer width);
        span = width < 9 ? 1 : width / 9;
    endfunction

    function integer first(input [14:0] addr, input integer width);
        first = (addr[ADDRESS_BITS - 1:0] >> 3) & ~(span(width) - 1);
    endfunction

    function [71:0] fetched(input [14:0] addr, input integer width);
        integer place;
        begin
            fetched = 72'bx;
            if (^addr[ADDRESS_BITS - 1:0] !== 1'bx) begin
                for (place = 0; place < span(width); place = place + 1)
                    {fetched[64 + place], fetched[place * 8 +: 8]} = cells[first(addr, width) + place];
                case (width)
                    4: fetched[3:0] = cells[first(addr, width)][addr[2] * 4 +: 4];
                    2: fetched[1:0] = cells[first(addr, width)][addr[2:1] * 2 +: 2];
                    1: fetched[0] = cells[first(addr, width)][addr[2:0]];
                endcase
            end
        end
    endfunction

    task store(input [14:0] addr, input [7:0] we, input [63:0] data, input [7:0] parity, input integer width);
        integer place;
        case (width)
            4: if (we[0]) cells[first(addr, width)][addr[2] * 4 +: 4] = data[3:0];
            2: if (we[0]) cells[first(addr, width)][addr[2:1] * 2 +: 2] = data[1:0];
            1: if (we[0]) cells[first(addr, width)][addr[2:0]] = data[0];
            default:
                for (place = 0; place < span(width); place = place + 1)
                    if (we[place]) cells[first(addr, width) + place] = {parity[place], data[place * 8 +: 8]};
        endcase
    endtask

    // Whether the words of the two ports share a cell.
    function meet(input integer width_a, input integer width_b);
        meet = first(addr_a, width_a) < first(addr_b, width_b) + span(width_b)
            && first(addr_b, width_b) < first(addr_a, width_a) + span(width_a);
    endfunction

    wire writes_a = WRITE_WIDTH_A != 0 && en_a && |we_a;
    wire writes_b = WRITE_WIDTH_B != 0 && en_b && |we_b;

    // What is read on the same edge is the old word: reads come first, writes after them.
    always @(posedge clk_a) if (READ_WIDTH_A != 0 && en_a) begin
        if (rst_a) {out_parity_a, out_a} <= 72'bx;
        else if (writes_b && WRITE_MODE_B != "READ_FIRST" && meet(READ_WIDTH_A, WRITE_WIDTH_B))
            {out_parity_a, out_a} <= 72'bx;
        else if (!writes_a || WRITE_MODE_A == "READ_FIRST") {out_parity_a, out_a} <= fetched(addr_a, READ_WIDTH_A);
    end
    always @(posedge clk_b) if (READ_WIDTH_B != 0 && en_b) begin
        if (rst_b) {out_parity_b, out_b} <= 72'bx;
        else if (writes_a && WRITE_MODE_A != "READ_FIRST" && meet(WRITE_WIDTH_A, READ_WIDTH_B))
            {out_parity_b, out_b} <= 72'bx;
        else if (!writes_b || WRITE_MODE_B == "READ_FIRST") {out_parity_b, out_b} <= fetched(addr_b, READ_WIDTH_B);
    end
    always @(posedge clk_a) if (writes_a) #0 store(addr_a, we_a, in_a, in_parity_a, WRITE_WIDTH_A);
    always @(posedge clk_b) if (writes_b) #0 store(addr_b, we_b, in_b, in_parity_b, WRITE_WIDTH_B);

    // A port that reads and writes at a time in WRITE_FIRST mode would give what it writes.
    generate
        if ((READ_WIDTH_A != 0 && WRITE_WIDTH_A != 0 && WRITE_MODE_A == "WRITE_FIRST")
                || (READ_WIDTH_B != 0 && WRITE_WIDTH_B != 0 && WRITE_MODE_B == "WRITE_FIRST"))
            block_ram_without_a_model_of_this_write_mode unknown ();
    endgenerate
endmodule

module RAMB18E1 (
        input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
        input RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
        input [13:0] ADDRARDADDR, ADDRBWRADDR,
        input [15:0] DIADI, DIBDI,
        input [1:0] DIPADIP, DIPBDIP,
        input [1:0] WEA,
        input [3:0] WEBWE,
        output [15:0] DOADO, DOBDO,
        output [1:0] DOPADOP, DOPBDOP);
    parameter DOA_REG = 0;
    parameter DOB_REG = 0;
    parameter RAM_MODE = "TDP";
    parameter READ_WIDTH_A = 0;
    parameter READ_WIDTH_B = 0;
    parameter WRITE_WIDTH_A = 0;
    parameter WRITE_WIDTH_B = 0;
    parameter WRITE_MODE_A = "WRITE_FIRST";
    parameter WRITE_MODE_B = "WRITE_FIRST";
    parameter [17:0] INIT_A = 18'b0;
    parameter [17:0] INIT_B = 18'b0;
    parameter [17:0] SRVAL_A = 18'b0;
    parameter [17:0] SRVAL_B = 18'b0;
    parameter [255:0] INIT_00 = 256'b0;
    parameter [255:0] INIT_01 = 256'b0;
    parameter [255:0] INIT_02 = 256'b0;
    parameter [255:0] INIT_03 = 256'b0;
    parameter [255:0] INIT_04 = 256'b0;
    parameter [255:0] INIT_05 = 256'b0;
    parameter [255:0] INIT_06 = 256'b0;
    parameter [255:0] INIT_07 = 256'b0;
    parameter [255:0] INIT_08 = 256'b0;
    parameter [255:0] INIT_09 = 256'b0;
    parameter [255:0] INIT_0A = 256'b0;
    parameter [255:0] INIT_0B = 256'b0;
    parameter [255:0] INIT_0C = 256'b0;
    parameter [255:0] INIT_0D = 256'b0;
    parameter [255:0] INIT_0E = 256'b0;
    parameter [255:0] INIT_0F = 256'b0;
    parameter [255:0] INIT_10 = 256'b0;
    parameter [255:0] INIT_11 = 256'b0;
    parameter [255:0] INIT_12 = 256'b0;
    parameter [255:0] INIT_13 = 256'b0;
    parameter [255:0] INIT_14 = 256'b0;
    parameter [255:0] INIT_15 = 256'b0;
    parameter [255:0] INIT_16 = 256'b0;
    parameter [255:0] INIT_17 = 256'b0;
    parameter [255:0] INIT_18 = 256'b0;
    parameter [255:0] INIT_19 = 256'b0;
    parameter [255:0] INIT_1A = 256'b0;
    parameter [255:0] INIT_1B = 256'b0;
    parameter [255:0] INIT_1C = 256'b0;
    parameter [255:0] INIT_1D = 256'b0;
    parameter [255:0] INIT_1E = 256'b0;
    parameter [255:0] INIT_1F = 256'b0;
    parameter [255:0] INIT_20 = 256'b0;
    parameter [255:0] INIT_21 = 256'b0;
    parameter [255:0] INIT_22 = 256'b0;
    parameter [255:0] INIT_23 = 256'b0;
    parameter [255:0] INIT_24 = 256'b0;
    parameter [255:0] INIT_25 = 256'b0;
    parameter [255:0] INIT_26 = 256'b0;
    parameter [255:0] INIT_27 = 256'b0;
    parameter [255:0] INIT_28 = 256'b0;
    parameter [255:0] INIT_29 = 256'b0;
    parameter [255:0] INIT_2A = 256'b0;
    parameter [255:0] INIT_2B = 256'b0;
    parameter [255:0] INIT_2C = 256'b0;
    parameter [255:0] INIT_2D = 256'b0;
    parameter [255:0] INIT_2E = 256'b0;
    parameter [255:0] INIT_2F = 256'b0;
    parameter [255:0] INIT_30 = 256'b0;
    parameter [255:0] INIT_31 = 256'b0;
    parameter [255:0] INIT_32 = 256'b0;
    parameter [255:0] INIT_33 = 256'b0;
    parameter [255:0] INIT_34 = 256'b0;
    parameter [255:0] INIT_35 = 256'b0;
    parameter [255:0] INIT_36 = 256'b0;
    parameter [255:0] INIT_37 = 256'b0;
    parameter [255:0] INIT_38 = 256'b0;
    parameter [255:0] INIT_39 = 256'b0;
    parameter [255:0] INIT_3A = 256'b0;
    parameter [255:0] INIT_3B = 256'b0;
    parameter [255:0] INIT_3C = 256'b0;
    parameter [255:0] INIT_3D = 256'b0;
    parameter [255:0] INIT_3E = 256'b0;
    parameter [255:0] INIT_3F = 256'b0;
    parameter [255:0] INITP_00 = 256'b0;
    parameter [255:0] INITP_01 = 256'b0;
    parameter [255:0] INITP_02 = 256'b0;
    parameter [255:0] INITP_03 = 256'b0;
    parameter [255:0] INITP_04 = 256'b0;
    parameter [255:0] INITP_05 = 256'b0;
    parameter [255:0] INITP_06 = 256'b0;
    parameter [255:0] INITP_07 = 256'b0;
    localparam [16383:0] DATA = {
        INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, INIT_37, INIT_36, INIT_35, INIT_34,
        INIT_33, INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
        INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, INIT_1F, INIT_1E, INIT_1D, INIT_1C,
        INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
        INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08, INIT_07, INIT_06, INIT_05, INIT_04,
        INIT_03, INIT_02, INIT_01, INIT_00};
    localparam [2047:0] PARITY = {
        INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00};
    // One port that reads and one that writes may be as wide as both: 36 bits, the low half on the pins of A.
    localparam WIDE_READ = READ_WIDTH_A == 36, WIDE_WRITE = WRITE_WIDTH_B == 36;
    wire [63:0] out_a, out_b;
    wire [7:0] out_parity_a, out_parity_b;

    tensorgate_block_ram #(
        .ADDRESS_BITS(14), .INIT(DATA), .INIT_PARITY(PARITY),
        .READ_WIDTH_A(READ_WIDTH_A), .READ_WIDTH_B(READ_WIDTH_B),
        .WRITE_WIDTH_A(WRITE_WIDTH_A), .WRITE_WIDTH_B(WRITE_WIDTH_B),
        .WRITE_MODE_A(WRITE_MODE_A), .WRITE_MODE_B(WRITE_MODE_B),
        .INIT_A(WIDE_READ ? {INIT_B[15:0], INIT_A[15:0]} : INIT_A[15:0]), .INIT_B(INIT_B[15:0]),
        .INIT_PARITY_A(WIDE_READ ? {INIT_B[17:16], INIT_A[17:16]} : INIT_A[17:16]),
        .INIT_PARITY_B(INIT_B[17:16])
    ) ram (
        .clk_a(CLKARDCLK), .en_a(ENARDEN), .rst_a(RSTRAMARSTRAM),
        .clk_b(CLKBWRCLK), .en_b(ENBWREN), .rst_b(RSTRAMB),
        .addr_a({1'b0, ADDRARDADDR}), .addr_b({1'b0, ADDRBWRADDR}),
        .we_a({6'b0, WEA}), .we_b({4'b0, WEBWE}),
        .in_a({48'b0, DIADI}), .in_parity_a({6'b0, DIPADIP}),
        .in_b(WIDE_WRITE ? {DIBDI, DIADI} : DIBDI), .in_parity_b(WIDE_WRITE ? {DIPBDIP, DIPADIP} : DIPBDIP),
        .out_a(out_a), .out_parity_a(out_parity_a), .out_b(out_b), .out_parity_b(out_parity_b));

    assign {DOPADOP, DOADO} = {out_parity_a[1:0], out_a[15:0]};
    assign {DOPBDOP, DOBDO} = WIDE_READ ? {out_parity_a[3:2], out_a[31:16]} : {out_parity_b[1:0], out_b[15:0]};

    generate
        if (DOA_REG != 0 || DOB_REG != 0)
            block_ram_without_a_model_of_this_mode unknown ();
    endgenerate
endmodule

module RAMB36E1 (
        input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
        input RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
        input [15:0] ADDRARDADDR, ADDRBWRADDR,
        input [31:0] DIADI, DIBDI,
        input [3:0] DIPADIP, DIPBDIP,
        input [3:0] WEA,
        input [7:0] WEBWE,
        output [31:0] DOADO, DOBDO,
        output [3:0] DOPADOP, DOPBDOP);
    parameter DOA_REG = 0;
    parameter DOB_REG = 0;
    parameter RAM_MODE = "TDP";
    parameter READ_WIDTH_A = 0;
    parameter READ_WIDTH_B = 0;
    parameter WRITE_WIDTH_A = 0;
    parameter WRITE_WIDTH_B = 0;
    parameter WRITE_MODE_A = "WRITE_FIRST";
    parameter WRITE_MODE_B = "WRITE_FIRST";
    parameter RAM_EXTENSION_A = "NONE";
    parameter RAM_EXTENSION_B = "NONE";
    parameter [35:0] INIT_A = 36'b0;
    parameter [35:0] INIT_B = 36'b0;
    parameter [35:0] SRVAL_A = 36'b0;
    parameter [35:0] SRVAL_B = 36'b0;
    parameter [255:0] INIT_00 = 256'b0;
    parameter [255:0] INIT_01 = 256'b0;
    parameter [255:0] INIT_02 = 256'b0;
    parameter [255:0] INIT_03 = 256'b0;
    parameter [255:0] INIT_04 = 256'b0;
    parameter [255:0] INIT_05 = 256'b0;
    parameter [255:0] INIT_06 = 256'b0;
    parameter [255:0] INIT_07 = 256'b0;
    parameter [255:0] INIT_08 = 256'b0;
    parameter [255:0] INIT_09 = 256'b0;
    parameter [255:0] INIT_0A = 256'b0;
    parameter [255:0] INIT_0B = 256'b0;
    parameter [255:0] INIT_0C = 256'b0;
    parameter [255:0] INIT_0D = 256'b0;
    parameter [255:0] INIT_0E = 256'b0;
    parameter [255:0] INIT_0F = 256'b0;
    parameter [255:0] INIT_10 = 256'b0;
    parameter [255:0] INIT_11 = 256'b0;
    parameter [255:0] INIT_12 = 256'b0;
    parameter [255:0] INIT_13 = 256'b0;
    parameter [255:0] INIT_14 = 256'b0;
    parameter [255:0] INIT_15 = 256'b0;
    parameter [255:0] INIT_16 = 256'b0;
    parameter [255:0] INIT_17 = 256'b0;
    parameter [255:0] INIT_18 = 256'b0;
    parameter [255:0] INIT_19 = 256'b0;
    parameter [255:0] INIT_1A = 256'b0;
    parameter [255:0] INIT_1B = 256'b0;
    parameter [255:0] INIT_1C = 256'b0;
    parameter [255:0] INIT_1D = 256'b0;
    parameter [255:0] INIT_1E = 256'b0;
    parameter [255:0] INIT_1F = 256'b0;
    parameter [255:0] INIT_20 = 256'b0;
    parameter [255:0] INIT_21 = 256'b0;
    parameter [255:0] INIT_22 = 256'b0;
    parameter [255:0] INIT_23 = 256'b0;
    parameter [255:0] INIT_24 = 256'b0;
    parameter [255:0] INIT_25 = 256'b0;
    parameter [255:0] INIT_26 = 256'b0;
    parameter [255:0] INIT_27 = 256'b0;
    parameter [255:0] INIT_28 = 256'b0;
    parameter [255:0] INIT_29 = 256'b0;
    parameter [255:0] INIT_2A = 256'b0;
    parameter [255:0] INIT_2B = 256'b0;
    parameter [255:0] INIT_2C = 256'b0;
    parameter [255:0] INIT_2D = 256'b0;
    parameter [255:0] INIT_2E = 256'b0;
    parameter [255:0] INIT_2F = 256'b0;
    parameter [255:0] INIT_30 = 256'b0;
    parameter [255:0] INIT_31 = 256'b0;
    parameter [255:0] INIT_32 = 256'b0;
    parameter [255:0] INIT_33 = 256'b0;
    parameter [255:0] INIT_34 = 256'b0;
    parameter [255:0] INIT_35 = 256'b0;
    parameter [255:0] INIT_36 = 256'b0;
    parameter [255:0] INIT_37 = 256'b0;
    parameter [255:0] INIT_38 = 256'b0;
    parameter [255:0] INIT_39 = 256'b0;
    parameter [255:0] INIT_3A = 256'b0;
    parameter [255:0] INIT_3B = 256'b0;
    parameter [255:0] INIT_3C = 256'b0;
    parameter [255:0] INIT_3D = 256'b0;
    parameter [255:0] INIT_3E = 256'b0;
    parameter [255:0] INIT_3F = 256'b0;
    parameter [255:0] INIT_40 = 256'b0;
    parameter [255:0] INIT_41 = 256'b0;
    parameter [255:0] INIT_42 = 256'b0;
    parameter [255:0] INIT_43 = 256'b0;
    parameter [255:0] INIT_44 = 256'b0;
    parameter [255:0] INIT_45 = 256'b0;
    parameter [255:0] INIT_46 = 256'b0;
    parameter [255:0] INIT_47 = 256'b0;
    parameter [255:0] INIT_48 = 256'b0;
    parameter [255:0] INIT_49 = 256'b0;
    parameter [255:0] INIT_4A = 256'b0;
    parameter [255:0] INIT_4B = 256'b0;
    parameter [255:0] INIT_4C = 256'b0;
    parameter [255:0] INIT_4D = 256'b0;
    parameter [255:0] INIT_4E = 256'b0;
    parameter [255:0] INIT_4F = 256'b0;
    parameter [255:0] INIT_50 = 256'b0;
    parameter [255:0] INIT_51 = 256'b0;
    parameter [255:0] INIT_52 = 256'b0;
    parameter [255:0] INIT_53 = 256'b0;
    parameter [255:0] INIT_54 = 256'b0;
    parameter [255:0] INIT_55 = 256'b0;
    parameter [255:0] INIT_56 = 256'b0;
    parameter [255:0] INIT_57 = 256'b0;
    parameter [255:0] INIT_58 = 256'b0;
    parameter [255:0] INIT_59 = 256'b0;
    parameter [255:0] INIT_5A = 256'b0;
    parameter [255:0] INIT_5B = 256'b0;
    parameter [255:0] INIT_5C = 256'b0;
    parameter [255:0] INIT_5D = 256'b0;
    parameter [255:0] INIT_5E = 256'b0;
    parameter [255:0] INIT_5F = 256'b0;
    parameter [255:0] INIT_60 = 256'b0;
    parameter [255:0] INIT_61 = 256'b0;
    parameter [255:0] INIT_62 = 256'b0;
    parameter [255:0] INIT_63 = 256'b0;
    parameter [255:0] INIT_64 = 256'b0;
    parameter [255:0] INIT_65 = 256'b0;
    parameter [255:0] INIT_66 = 256'b0;
    parameter [255:0] INIT_67 = 256'b0;
    parameter [255:0] INIT_68 = 256'b0;
    parameter [255:0] INIT_69 = 256'b0;
    parameter [255:0] INIT_6A = 256'b0;
    parameter [255:0] INIT_6B = 256'b0;
    parameter [255:0] INIT_6C = 256'b0;
    parameter [255:0] INIT_6D = 256'b0;
    parameter [255:0] INIT_6E = 256'b0;
    parameter [255:0] INIT_6F = 256'b0;
    parameter [255:0] INIT_70 = 256'b0;
    parameter [255:0] INIT_71 = 256'b0;
    parameter [255:0] INIT_72 = 256'b0;
    parameter [255:0] INIT_73 = 256'b0;
    parameter [255:0] INIT_74 = 256'b0;
    parameter [255:0] INIT_75 = 256'b0;
    parameter [255:0] INIT_76 = 256'b0;
    parameter [255:0] INIT_77 = 256'b0;
    parameter [255:0] INIT_78 = 256'b0;
    parameter [255:0] INIT_79 = 256'b0;
    parameter [255:0] INIT_7A = 256'b0;
    parameter [255:0] INIT_7B = 256'b0;
    parameter [255:0] INIT_7C = 256'b0;
    parameter [255:0] INIT_7D = 256'b0;
    parameter [255:0] INIT_7E = 256'b0;
    parameter [255:0] INIT_7F = 256'b0;
    parameter [255:0] INITP_00 = 256'b0;
    parameter [255:0] INITP_01 = 256'b0;
    parameter [255:0] INITP_02 = 256'b0;
    parameter [255:0] INITP_03 = 256'b0;
    parameter [255:0] INITP_04 = 256'b0;
    parameter [255:0] INITP_05 = 256'b0;
    parameter [255:0] INITP_06 = 256'b0;
    parameter [255:0] INITP_07 = 256'b0;
    parameter [255:0] INITP_08 = 256'b0;
    parameter [255:0] INITP_09 = 256'b0;
    parameter [255:0] INITP_0A = 256'b0;
    parameter [255:0] INITP_0B = 256'b0;
    parameter [255:0] INITP_0C = 256'b0;
    parameter [255:0] INITP_0D = 256'b0;
    parameter [255:0] INITP_0E = 256'b0;
    parameter [255:0] INITP_0F = 256'b0;
    localparam [32767:0] DATA = {
        INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78, INIT_77, INIT_76, INIT_75, INIT_74,
        INIT_73, INIT_72, INIT_71, INIT_70, INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A, INIT_69, INIT_68,
        INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60, INIT_5F, INIT_5E, INIT_5D, INIT_5C,
        INIT_5B, INIT_5A, INIT_59, INIT_58, INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50,
        INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48, INIT_47, INIT_46, INIT_45, INIT_44,
        INIT_43, INIT_42, INIT_41, INIT_40, INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
        INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C,
        INIT_2B, INIT_2A, INIT_29, INIT_28, INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
        INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14,
        INIT_13, INIT_12, INIT_11, INIT_10, INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
        INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00};
    localparam [4095:0] PARITY = {
        INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08, INITP_07, INITP_06, INITP_05,
        INITP_04, INITP_03, INITP_02, INITP_01, INITP_00};
    // One port that reads and one that writes may be as wide as both: 72 bits, the low half on the pins of A.
    localparam WIDE_READ = READ_WIDTH_A == 72, WIDE_WRITE = WRITE_WIDTH_B == 72;
    wire [63:0] out_a, out_b;
    wire [7:0] out_parity_a, out_parity_b;

    tensorgate_block_ram #(
        .ADDRESS_BITS(15), .INIT(DATA), .INIT_PARITY(PARITY),
        .READ_WIDTH_A(READ_WIDTH_A), .READ_WIDTH_B(READ_WIDTH_B),
        .WRITE_WIDTH_A(WRITE_WIDTH_A), .WRITE_WIDTH_B(WRITE_WIDTH_B),
        .WRITE_MODE_A(WRITE_MODE_A), .WRITE_MODE_B(WRITE_MODE_B),
        .INIT_A(WIDE_READ ? {INIT_B[31:0], INIT_A[31:0]} : INIT_A[31:0]), .INIT_B(INIT_B[31:0]),
        .INIT_PARITY_A(WIDE_READ ? {INIT_B[35:32], INIT_A[35:32]} : INIT_A[35:32]),
        .INIT_PARITY_B(INIT_B[35:32])
    ) ram (
        .clk_a(CLKARDCLK), .en_a(ENARDEN), .rst_a(RSTRAMARSTRAM),
        .clk_b(CLKBWRCLK), .en_b(ENBWREN), .rst_b(RSTRAMB),
        .addr_a(ADDRARDADDR[14:0]), .addr_b(ADDRBWRADDR[14:0]),
        .we_a({4'b0, WEA}), .we_b(WEBWE),
        .in_a({32'b0, DIADI}), .in_parity_a({4'b0, DIPADIP}),
        .in_b(WIDE_WRITE ? {DIBDI, DIADI} : DIBDI), .in_parity_b(WIDE_WRITE ? {DIPBDIP, DIPADIP} : DIPBDIP),
        .out_a(out_a), .out_parity_a(out_parity_a), .out_b(out_b), .out_parity_b(out_parity_b));

    assign {DOPADOP, DOADO} = {out_parity_a[3:0], out_a[31:0]};
    assign {DOPBDOP, DOBDO} = WIDE_READ ? {out_parity_a[7:4], out_a[63:32]} : {out_parity_b[3:0], out_b[31:0]};

    generate
        if (DOA_REG != 0 || DOB_REG != 0 || RAM_EXTENSION_A != "NONE" || RAM_EXTENSION_B != "NONE")
            block_ram_without_a_model_of_this_mode unknown ();
    endgenerate
endmodule
