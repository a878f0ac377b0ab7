// The rationalisation of each kind of alarm in words: why it is, what comes of it, and what the operator does.

import type { Text } from "../../words";

export interface Rationale {
  readonly cause: Text;
  readonly consequence: Text;
  readonly action: Text;
}

export const RATIONALES: Readonly<Record<string, Rationale>> = {
  journal_unwritable: {
    cause: { en: "The disk is full, or the store or database cannot be reached.", zh: "磁盘已满，或存储、数据库不可用。" },
    consequence: {
      en: "Nothing is sent but releases. Limits in force end by themselves, overloads are not relieved.",
      zh: "除解除限制外不再下发任何指令；已下发的限值到期自动结束，过载得不到缓解。",
    },
    action: {
      en: "Free the disk or bring the database back at once. Relieve overloads by switching meanwhile.",
      zh: "立即清理磁盘或恢复数据库；在此期间通过倒闸操作缓解过载。",
    },
  },
  overload_unattended: {
    cause: {
      en: "Elements are outside their limits while the automatic is off, or out because of the data.",
      zh: "有元件越限，而自动控制已退出，或因数据质量不足被闭锁。",
    },
    consequence: { en: "Nobody relieves them. Cables and transformer age, fuses may blow.", zh: "越限无人处置：电缆与变压器加速老化，熔断器可能熔断。" },
    action: {
      en: "Give the feeder back to the automatic, or limit by hand; mend the data first where they are the reason.",
      zh: "恢复自动控制，或人工下发限值；若因数据质量闭锁，应先恢复数据。",
    },
  },
  event_short: {
    cause: {
      en: "All devices are at their guaranteed minimum, refused, protected or excluded.",
      zh: "所有设备已降至最低保障功率，或已拒绝、受保护、被排除。",
    },
    consequence: { en: "The overload stays, less than it was.", zh: "过载虽已减轻，但仍然存在。" },
    action: { en: "Ask people, switch load to another feeder, or send a crew.", zh: "联系用户配合，转移负荷至其他馈线，或派人到现场。" },
  },
  near_collapse: {
    cause: { en: "The load is close to what the network can carry at all.", zh: "负荷已接近网络的最大输送能力。" },
    consequence: { en: "Voltage falls away, devices drop out.", zh: "电压失稳，设备脱扣。" },
    action: { en: "Shed or move load at once; check the taps and the switching state.", zh: "立即切除或转移负荷；核对分接头档位与开关状态。" },
  },
  controller_fault: {
    cause: { en: "Passes over the feeder failed several times in a row: a fault of the controller.", zh: "该馈线的计算连续多次失败：控制器自身故障。" },
    consequence: { en: "The automatic is out on this feeder until it is handed back.", zh: "该馈线自动控制退出，直至人工恢复。" },
    action: { en: "Watch the feeder by hand, keep the log, then hand it back with “automatic on”.", zh: "人工监视该馈线，保存运行日志，随后投入自动控制。" },
  },
  emergency_stop: {
    cause: { en: "Somebody ordered the emergency stop.", zh: "有人执行了紧急停止。" },
    consequence: { en: "Everybody is released and the automatic stays off until it is put on again, feeder by feeder.", zh: "所有限制已解除，自动控制保持退出，须逐条馈线恢复。" },
    action: { en: "Find out why, watch the loadings, put the automatic on where it is safe.", zh: "查明原因，监视负载率，在确认安全后逐条投入自动控制。" },
  },
  overload_severe: {
    cause: { en: "Far more load or feed-in than the element may carry.", zh: "负荷或倒送功率远超元件允许值。" },
    consequence: { en: "It may trip or be damaged within the hour.", zh: "一小时内可能跳闸或损坏。" },
    action: { en: "See that the event brings it down within minutes; if not, limit or switch by hand.", zh: "确认事件处置在数分钟内见效；否则人工限负荷或倒闸。" },
  },
  too_few_meters: {
    cause: { en: "Meters or their concentrator are silent.", zh: "电表或集中器无数据。" },
    consequence: { en: "The automatic asks nobody for anything new on this feeder.", zh: "该馈线自动控制不再发出新的请求。" },
    action: { en: "Look at the link and the concentrator.", zh: "检查通信链路与集中器。" },
  },
  substation_silent: {
    cause: { en: "The RTU or its link is down.", zh: "台区终端或其通信中断。" },
    consequence: { en: "Sums cannot be checked; the automatic asks nobody for anything new.", zh: "无法校核总分平衡；自动控制不再发出新的请求。" },
    action: { en: "Look at the RTU and its link.", zh: "检查台区终端及其通信。" },
  },
  feeder_sum: {
    cause: { en: "Load without a meter, a wrong meter, or a switch that is not as in the network.", zh: "存在未计量负荷、电表有误，或开关状态与模型不符。" },
    consequence: { en: "The state is not trusted; the automatic asks nobody for anything new.", zh: "状态不可信；自动控制不再发出新的请求。" },
    action: { en: "Run “gridward mapping” for this feeder and check the switching state.", zh: "对该馈线运行“gridward mapping”，并核对开关状态。" },
  },
  busbar_voltage: {
    cause: { en: "The RTU shows a voltage that the network cannot have.", zh: "台区终端上报的电压超出网络可能范围。" },
    consequence: { en: "It is not followed; the automatic asks nobody for anything new.", zh: "该电压不被采用；自动控制不再发出新的请求。" },
    action: { en: "Look at the RTU's voltage channel.", zh: "检查台区终端的电压通道。" },
  },
  network_voltages: {
    cause: { en: "A switch that is not as in the network, or many wrong meters.", zh: "开关状态与网络模型不符，或多块电表有误。" },
    consequence: { en: "Nobody is released while it lasts; where voltages are higher than believed nobody is asked either.", zh: "持续期间不解除任何限制；若电压高于计算值，也不再发出新的请求。" },
    action: { en: "Check the switching state, then give the feeder's network file the true one.", zh: "核对开关状态，并据实更新该馈线的网络文件。" },
  },
  diverged: {
    cause: { en: "Readings or network that no voltage fits.", zh: "量测或网络模型有误，潮流无解。" },
    consequence: { en: "No figure is shown and none is used.", zh: "不显示也不使用任何计算结果。" },
    action: { en: "Look at the readings first, then at the network.", zh: "先检查量测数据，再检查网络模型。" },
  },
  link_down: {
    cause: { en: "The broker, the Modbus unit, the charge points or the VTN do not answer.", zh: "消息服务器、Modbus 装置、充电桩或 VTN 无响应。" },
    consequence: { en: "What hangs on it is neither read nor commanded.", zh: "其下的设备既无法采集也无法控制。" },
    action: { en: "Look at the far side and the network between; the link comes back by itself.", zh: "检查对端及其间网络；链路恢复后自动重连。" },
  },
  cycle_late: {
    cause: { en: "The machine is too slow or too busy.", zh: "主机性能不足或负载过高。" },
    consequence: { en: "Violations are seen and relieved later.", zh: "越限的发现与处置延迟。" },
    action: { en: "See what else runs on the machine; lengthen the period or use “compiled”.", zh: "检查主机上的其他程序；延长周期或启用“compiled”。" },
  },
  failsafe_not_lifted: {
    cause: { en: "Devices that must not be limited still hold a failsafe below their power.", zh: "不得限制的设备仍保存着低于其功率的失联限值。" },
    consequence: { en: "Silence of ours would limit them, critical customers among them.", zh: "一旦失联，这些设备将被限制，其中可能有重要用户。" },
    action: { en: "Set it on the device, or call who owns it.", zh: "在设备上修改，或联系其所有者。" },
  },
  alarms_held_back: {
    cause: { en: "So much stands at once that the list has no room for the least urgent.", zh: "同时存在的告警过多，列表已无法容纳优先级最低的部分。" },
    consequence: { en: "Alarms of low priority, then of medium, are not shown.", zh: "低优先级（其次为中优先级）告警不再显示。" },
    action: {
      en: "Deal with what most of them come from, such as a link; the others show as soon as there is room.",
      zh: "先处理大多数告警的共同起因（例如通信链路）；列表有余量后，其余告警会自动显示。",
    },
  },
  overload: {
    cause: { en: "More load or feed-in than the element may carry.", zh: "负荷或倒送功率超过元件允许值。" },
    consequence: { en: "The automatic relieves it; if it stays, the element ages.", zh: "自动控制正在处置；若持续存在，元件加速老化。" },
    action: { en: "Watch it; act if it stands for more than ten minutes.", zh: "加强监视；持续超过十分钟应人工处置。" },
  },
  undervoltage: {
    cause: { en: "Much load far from the transformer, or a wrong tap.", zh: "远端负荷过重，或分接头档位不当。" },
    consequence: { en: "Outside EN 50160; devices may fail.", zh: "超出 EN 50160 允许范围，用电设备可能异常。" },
    action: { en: "Watch it; check tap and switching state if it stays.", zh: "加强监视；若持续存在，核对分接头与开关状态。" },
  },
  overvoltage: {
    cause: { en: "Much feed-in, or a wrong tap.", zh: "分布式电源出力过大，或分接头档位不当。" },
    consequence: { en: "Outside EN 50160; inverters drop out.", zh: "超出 EN 50160 允许范围，逆变器脱网。" },
    action: { en: "Watch it; check the tap if it stays.", zh: "加强监视；若持续存在，核对分接头。" },
  },
  overload_expected: {
    cause: { en: "The forecast sees a limit broken within hours.", zh: "预测显示数小时内将越限。" },
    consequence: { en: "An event will begin, people will be asked.", zh: "届时将启动事件并向用户发出请求。" },
    action: { en: "See whether load can be moved before.", zh: "研究能否提前转移负荷。" },
  },
  wrong_meter: {
    cause: { en: "Sign, factor or assignment of a meter is wrong.", zh: "电表的极性、倍率或对应关系有误。" },
    consequence: { en: "It is left out and proves nothing; its customer earns nothing.", zh: "该表被剔除，不作为结算依据，用户无法获得奖励。" },
    action: { en: "Have the meter looked at.", zh: "安排检查该电表。" },
  },
  failsafe_unconfirmed: {
    cause: { en: "Devices do not read back the failsafe that they were told.", zh: "设备未回读已下发的失联限值。" },
    consequence: { en: "Only they are asked for nothing.", zh: "仅这些设备不参与调节。" },
    action: { en: "Look at the devices and their access rights.", zh: "检查设备及其访问权限。" },
  },
  heartbeats_not_heard: {
    cause: { en: "Heartbeats do not reach devices: topic, access rules or register.", zh: "心跳未送达设备：主题、访问规则或寄存器有误。" },
    consequence: { en: "They stay at their failsafe power.", zh: "设备停留在失联限值。" },
    action: { en: "Check topic, access rules and register map.", zh: "核对主题、访问规则与寄存器表。" },
  },
  requests_unanswered: {
    cause: { en: "Devices are off, or their link is.", zh: "设备离线或通信中断。" },
    consequence: { en: "Others are asked for more.", zh: "其他设备将承担更多调节量。" },
    action: { en: "Look at the devices named in the event.", zh: "检查事件中列出的设备。" },
  },
  readings_refused: {
    cause: { en: "Input is malformed, too old, or impossible.", zh: "输入格式错误、过旧或不可能。" },
    consequence: { en: "It is not used; estimates take its place.", zh: "数据不被采用，以估计值代替。" },
    action: { en: "Tell who runs the source; a sample stands beside.", zh: "通知数据源运维人员；附有样例。" },
  },
  automatic_off: {
    cause: { en: "Somebody took the feeder into their own hands more than an hour ago.", zh: "该馈线由人工接管已超过一小时。" },
    consequence: { en: "Overloads there are nobody's but yours.", zh: "该馈线的过载须由值班员处置。" },
    action: { en: "Put the automatic on again when the work is done.", zh: "工作结束后恢复自动控制。" },
  },
};
